/** The old words for what we have: `first_name`, `profile_image`, "2026-11-20 20:00:00", `[["name", "link"], …]`. */

import type { Attachment, Attributes, Author, ConversationSummary, Message, User } from "../types"

/** A value as the old API hands it over: plain, or with its label. */
export type Given = unknown | [value: unknown, label: string]
export type Values = Record<string, Given>

const OWN: Record<string, keyof Attributes> = {
  first_name: "first_name",
  last_name: "last_name",
  email: "email",
  user_type: "user_type",
  profile_image: "avatar_url",
  phone: "phone_number",
  city: "city",
  country: "country",
  language: "language",
}
/** Credentials and ids of another system: nothing a page may decide. */
const LEFT_OUT = new Set(["id", "token", "password", "creation_time", "last_activity"])
const STATUS_CODES = { open: 0, pending: 1, snoozed: 2, closed: 3 } as const

export function plain(value: Given): unknown {
  return Array.isArray(value) ? value[0] : value
}

/** Return the two plain objects of `SBUser` as attributes; what has no place of its own is a custom attribute. */
export function attributesOf(settings: Values, extra: Values): Attributes {
  const found: Record<string, unknown> = {}
  const custom: Record<string, unknown> = {}
  for (const [name, given] of [...Object.entries(settings), ...Object.entries(extra)]) {
    const value = plain(given)
    if (value === undefined || value === null || LEFT_OUT.has(name)) continue
    const own = OWN[name]
    if (own) found[own] = String(value)
    else custom[name] = value
  }
  if (Object.keys(custom).length) found.custom_attributes = custom
  return found
}

/** Return what the server says of a person in the old words. */
export function detailsOf(user: User): { details: Values; extra: Values } {
  const { first_name, last_name, email, user_type, avatar_url, phone_number, city, country, language } = user
  const details: Values = {
    id: user.id,
    first_name,
    last_name,
    email: email ?? "",
    user_type,
    profile_image: avatar_url,
  }
  const extra: Values = { ...user.custom_attributes }
  for (const [name, value] of Object.entries({ phone: phone_number, city, country, language })) {
    if (value) extra[name] = value
  }
  return { details, extra }
}

/** A text that also has `.value`: samples of the old API read it both ways. */
export function readBothWays(value: unknown): string {
  const shown = typeof value == "object" && value ? JSON.stringify(value) : String(value ?? "")
  return Object.assign(new String(shown), { value: value ?? "" }) as unknown as string
}

export function time(iso: string): string {
  return iso.slice(0, 19).replace("T", " ")
}

export function statusCode(status: ConversationSummary["status"]): number {
  return STATUS_CODES[status]
}

export function authorDetails({ type, name, avatar_url }: Author): Values {
  const [first_name = "", ...rest] = name.split(" ")
  const user_type = type == "ai" ? "bot" : type == "user" ? "user" : "agent"
  return { first_name, last_name: rest.join(" "), profile_image: avatar_url, user_type }
}

export function messageDetails(message: Message): Values {
  return {
    id: message.id,
    user_id: message.author.id ?? "",
    conversation_id: message.conversation_id,
    message: message.text,
    creation_time: time(message.created_at),
    attachments: message.attachments.map(link),
    status_code: message.status == "failed" ? -1 : 0,
    payload: message.content_attributes,
    ...authorDetails(message.author),
  }
}

export function link({ filename, url }: Attachment): [name: string, link: string] {
  return [filename, url]
}
