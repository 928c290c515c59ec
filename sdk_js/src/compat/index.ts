/** `@dexra/sdk/compat`: pages written for Support Board's JavaScript API, on our client. */

import type { ConversationSummary, DexraClientHandle, Message } from "../types"
import { createSBChat, createSBF, type Panel, type SBChat, type SBF } from "./chat"
import { createPageEvents, type PageEvents } from "./events"
import { SBConversation, SBMessage } from "./records"
import { createSBUser, type SBUserClass } from "./user"
import { authorDetails, link, statusCode } from "./values"
import { forgiving } from "./warnings"

export type { Panel, SBChat, SBF, Sent } from "./chat"
export { SBConversation, SBMessage } from "./records"
export type { SBUser, SBUserClass } from "./user"

/** What a page has once `SBInit` has come. */
interface OfThePage {
  SBUser: SBUserClass
  SBChat: SBChat
  SBF: SBF
  SBMessage: typeof SBMessage
  SBConversation: typeof SBConversation
  SBReady: Promise<void>
}

declare global {
  interface Window extends OfThePage {}
}

const ABSENT = ["SBApps", "SBTickets", "SBPusher", "SBArticles"]

/**
 * Give the page `SBUser`, `SBChat`, `SBF`, `SBMessage`, `SBConversation` and their events on `document`.
 *
 * `SBReady` and then `SBInit` come when the page's scripts have run, whatever their order; the promise `SBReady`
 * resolves with them. What is not offered warns once and says what to use.
 */
export function installCompat(client: DexraClientHandle, panel: Panel): PageEvents & { stop(): void } {
  const events = createPageEvents(document)
  const SBUser = createSBUser(client)
  const SBChat = createSBChat(client, panel, events)
  const SBF = createSBF(client, SBUser, events)
  let isReady = () => {}
  const SBReady = new Promise<void>((resolve) => (isReady = resolve))
  Object.assign(window, { SBUser, SBChat, SBF, SBMessage, SBConversation, SBReady } satisfies OfThePage)
  for (const name of ABSENT) (window as any)[name] ??= forgiving(name, {})

  const stop = listen(client, SBF, events.tell)
  const begin = () =>
    setTimeout(() => {
      for (const name of ["SBReady", "SBInit"]) events.tell(name)
      isReady()
    })
  if (document.readyState == "loading") document.addEventListener("DOMContentLoaded", begin, { once: true })
  else begin()
  return { ...events, stop }
}

function listen(client: DexraClientHandle, SBF: SBF, tell: (name: string, payload?: unknown) => void): () => void {
  const known = new Map<string, ConversationSummary>()
  const offs = [
    client.on("ready", () => tell("SBActiveUserLoaded", SBF.activeUser())),
    client.on("message", (message) => {
      if (message.direction == "outbound") tell("SBNewMessagesReceived", [SBMessage.from(message)])
    }),
    client.on("message_sent", (message) => tell("SBMessageSent", sent(message, SBF.activeUser()))),
    client.on("message_updated", (message) => message.deleted_at && tell("SBMessageDeleted", message.id)),
    client.on("message_failed", ({ failure }) => tell("SBError", { ...failure, function_name: "sendMessage" })),
    client.on("conversation_created", (summary) => tell("SBNewConversationCreated", SBConversation.from(summary, []))),
    client.on("conversation_updated", (summary) => {
      const { id: conversation_id, status, unread_count } = summary
      const before = known.get(conversation_id)
      known.set(conversation_id, summary)
      if (before?.status != status) {
        tell("SBActiveConversationStatusUpdated", { conversation_id, status_code: statusCode(status) })
      }
      const unseen = unread_count - (before?.unread_count ?? 0)
      if (unseen) tell("SBNotificationsUpdate", { action: unseen > 0 ? "add" : "remove", conversation_id })
    }),
    client.on("typing", ({ is_typing }) => tell("SBTyping", is_typing)),
    client.on("reset", () => tell("SBLogout")),
    client.on("error", ({ code, message }) => tell("SBError", { message, code, function_name: "" })),
  ]
  return () => offs.forEach((off) => off())
}

function sent(message: Message, user: unknown) {
  return {
    user_id: message.author.id,
    user,
    conversation_id: message.conversation_id,
    conversation_status: 0,
    conversation_status_code: 0,
    message_id: message.id,
    message: message.text,
    attachments: message.attachments.map(link),
    ...authorDetails(message.author),
  }
}
