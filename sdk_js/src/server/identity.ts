/** Proof of who is using a page, made where the inbox's HMAC token is kept: on your server, never in a page. */

import { createHmac } from "node:crypto"

/** What is signed beats what the page says; `user_type` is a label, never a role. */
export interface SignedUser {
  /** Your own id of the user. */
  identifier: string
  name?: string
  first_name?: string
  last_name?: string
  email?: string
  phone_number?: string
  avatar_url?: string
  user_type?: string
  language?: string
  country?: string
  city?: string
  custom_attributes?: Record<string, unknown>
}

const LONGEST_SECONDS = 7 * 24 * 3600

/**
 * A JWT (HS256) for `identity: { token }`.
 *
 * `hmacToken` is the inbox's, `expiresIn` in seconds (an hour; a week at most). Throws a RangeError for what the server
 * would refuse.
 */
export function signIdentity(user: SignedUser, hmacToken: string, { expiresIn = 3600 } = {}): string {
  if (!hmacToken) throw new RangeError("hmacToken is missing: it stands with the inbox's settings.")
  if (!user.identifier || user.identifier.length > 255) throw new RangeError("identifier has 1 to 255 characters.")
  if (!(expiresIn > 0 && expiresIn <= LONGEST_SECONDS)) throw new RangeError("expiresIn is 1 to 604800 seconds.")
  const { identifier, ...claims } = user
  const now = Math.floor(Date.now() / 1000)
  const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString("base64url")
  const signed = `${encode({ alg: "HS256", typ: "JWT" })}.${encode({ ...claims, sub: identifier, iat: now, exp: now + expiresIn })}`
  return `${signed}.${createHmac("sha256", hmacToken).update(signed).digest("base64url")}`
}

/** The hash for `identity: { identifier, identifierHash }`: proof of the identifier alone, without an end. */
export function identifierHash(identifier: string, hmacToken: string): string {
  if (!hmacToken) throw new RangeError("hmacToken is missing: it stands with the inbox's settings.")
  return createHmac("sha256", hmacToken).update(identifier).digest("hex")
}
