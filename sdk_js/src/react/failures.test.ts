// @vitest-environment node
import { readdirSync, readFileSync } from "node:fs"
import { describe, expect, it } from "vitest"
import { ar } from "../locales/ar"
import { en } from "../locales/en"
import { fr } from "../locales/fr"
import { wordsFor } from "./failures"
import { createFormat } from "./format"
import { INBOX } from "./scripted"

const LOCALES = { en, fr, ar }
type Locale = keyof typeof LOCALES

function said(code: string, locale: Locale = "en", inbox = INBOX as typeof INBOX | null) {
  const failure = { code, message: "A sentence of the server." }
  return wordsFor(failure, LOCALES[locale].errors, createFormat(locale), inbox)
}

/** What `/client/v1` answers to what the chat asks; what can only be a mistake of ours is not among it. */
const OF_THE_SERVER = [
  ...["session_expired", "session_ended", "identity_required", "invalid_identity_token"],
  ...["origin_not_allowed", "user_blocked", "inbox_not_found", "file_too_large", "file_empty"],
  ...["file_type_not_allowed", "unknown_attachment", "too_long", "too_many", "rate_limited", "too_many_messages"],
]
/** What the client itself says and nobody sees: the composer prevents it, or it is tried again. */
const UNSEEN = ["message_empty", "session_changed", "unexpected"]

/** Every code that the client makes itself, as its sources name them. */
function codesOfTheClient(): string[] {
  const sources = readdirSync("src").filter((name) => name.endsWith(".ts") && !name.includes(".test"))
  const text = sources.map((name) => readFileSync(`src/${name}`, "utf8")).join("\n")
  const made = /(?:new DexraError|refuse)\(([^,)]+)|\bcode = ([^;]+?&& "\w+")/g
  const named = [...text.matchAll(made)].flatMap((found) => (found[1] ?? found[2]!).match(/"(\w+)"/g) ?? [])
  return [...new Set(named.map((name) => name.slice(1, -1)))].filter((code) => !UNSEEN.includes(code))
}

describe("what went wrong", () => {
  it("is found in the sources", () => {
    const known = ["network", "timeout", "bad_answer", "text_too_long", "too_many_files", "file_lost", "expired"]
    expect(codesOfTheClient()).toEqual(expect.arrayContaining([...known, "outbox_full", "identity_unavailable"]))
  })

  it.each([...codesOfTheClient(), ...OF_THE_SERVER])("%s has words of its own in every language", (code) => {
    const sentences = (["en", "fr", "ar"] as const).map((locale) => said(code, locale))

    expect(new Set([...sentences, en.errors.unknown, fr.errors.unknown, ar.errors.unknown]).size).toBe(6)
    expect(sentences.join()).not.toMatch(/[{}_]|A sentence of the server/)
  })

  it.each(["new_code", "constructor", ""])("is said in general where the code is %o", (code) => {
    expect(said(code)).toBe("Something went wrong.")
    expect(said(code, "fr")).toBe("Une erreur est survenue.")
    expect(said(code, "ar")).toBe("حدث خطأ ما.")
  })

  it("names the inbox's limits as the language writes numbers", () => {
    const inbox = { ...INBOX, limits: { ...INBOX.limits, text_characters: 150_000 } }

    expect(said("text_too_long", "en", inbox)).toBe("At most 150,000 characters in one message.")
    expect(said("text_too_long", "fr", inbox)).toMatch(/^150\s000 caractères/)
    expect(said("too_many_files", "ar", inbox)).toBe("أقصى عدد للملفات: 3")
  })
})
