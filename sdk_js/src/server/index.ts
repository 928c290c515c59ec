/** `@dexra/sdk/server`: for your own server, where secrets are kept. */

export { DexraError } from "../errors"
export { createServerClient } from "./client"
export type { Answer, CallOptions, ServerClient, ServerOptions } from "./client"
export { identifierHash, signIdentity } from "./identity"
export type { SignedUser } from "./identity"
export type * from "./protocol"
export { verifyWebhook } from "./webhooks"
export type { RequestHeaders, WebhookEvent } from "./webhooks"
