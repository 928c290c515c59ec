/** What went wrong, in the reader's words: what the server says is English, and for whoever built the page. */

import type { Strings } from "../locales/en"
import type { Failure, InboxInfo } from "../types"
import type { Format } from "./format"

/** Codes that come to the same for a person. */
const SAME: Record<string, keyof Strings["errors"]> = {
  timeout: "network",
  bad_answer: "network",
  identity_unavailable: "invalid_identity_token",
  session_ended: "session_expired",
  outbox_full: "too_many_messages",
  rate_limited: "too_many_messages",
  too_long: "text_too_long",
  too_many: "too_many_files",
  http_413: "file_too_large",
  unknown_attachment: "file_lost",
}

/** Return a sentence for any failure, with the inbox's limits where it names one. */
export function wordsFor(
  failure: Failure | null | undefined,
  errors: Strings["errors"],
  { fill }: Format,
  inbox: InboxInfo | null,
): string {
  const code = failure?.code ?? ""
  return fill(errors[SAME[code] ?? (code as "unknown")] ?? errors.unknown, { ...inbox?.limits })
}
