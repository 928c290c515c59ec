/** Is this request a webhook of ours? (Standard Webhooks, signatures `v1`.) */

import { createHmac, timingSafeEqual } from "node:crypto"
import { DexraError } from "../errors"

/** A request's headers, as Node or as `fetch` has them. */
export type RequestHeaders = Headers | Record<string, string | string[] | undefined>

/** What every webhook has; the rest is in `data`, as the reference describes for its type. */
export interface WebhookEvent {
  id: string
  type: string
  timestamp: string
  livemode: boolean
  api_version: string
  sequence: number | null
  channel: string | null
  source: string | null
  data: Record<string, any>
}

/**
 * Return the event of a genuine request.
 *
 * `body` are the bytes as they came: parsed and written anew they are not what was signed. `secret` is the endpoint's
 * `whsec_...`, or several while it is rotated; `tolerance` how many seconds the two clocks may differ. Throws DexraError
 * `webhook_not_verified` for everything else: answer 401. The same `id` may come more than once.
 */
export function verifyWebhook(
  body: string | Uint8Array,
  headers: RequestHeaders,
  secret: string | readonly string[],
  { tolerance = 300 } = {},
): WebhookEvent {
  const [id, timestamp, signatures] = ["webhook-id", "webhook-timestamp", "webhook-signature"].map((name) =>
    headerOf(headers, name),
  )
  if (!id || !timestamp || !signatures) throw refusal("A webhook-… header is missing.")
  if (!(Math.abs(Date.now() / 1000 - Number(timestamp)) <= tolerance)) throw refusal("It was not signed just now.")
  const expected = [secret].flat().map((each) => Buffer.from(`v1,${signature(each, `${id}.${timestamp}.`, body)}`))
  const isOurs = signatures.split(" ").some((given) => expected.some((one) => isEqual(Buffer.from(given), one)))
  if (!isOurs) throw refusal("No signature is that of these bytes and this secret.")
  return JSON.parse(typeof body == "string" ? body : Buffer.from(body).toString()) as WebhookEvent
}

function signature(secret: string, prefix: string, body: string | Uint8Array): string {
  const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64")
  return createHmac("sha256", key).update(prefix).update(body).digest("base64")
}

function isEqual(one: Buffer, other: Buffer): boolean {
  return one.length == other.length && timingSafeEqual(one, other)
}

function headerOf(headers: RequestHeaders, name: string): string | undefined {
  if (typeof (headers as Headers).get == "function") return (headers as Headers).get(name) ?? undefined
  const found = Object.entries(headers).find(([key]) => key.toLowerCase() == name)?.[1]
  return Array.isArray(found) ? found[0] : found
}

function refusal(message: string): DexraError {
  return new DexraError("webhook_not_verified", message)
}
