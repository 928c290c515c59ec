/** `SBChat` and `SBF`: the calls that sites make most, on our client. */

import type { ConversationHandle, ConversationStatus, DexraClientHandle } from "../types"
import type { PageEvents } from "./events"
import { SBConversation } from "./records"
import type { SBUser, SBUserClass } from "./user"
import { forgiving, warnOnce } from "./warnings"

/** What draws the chat. */
export interface Panel {
  open(): void
  close(): void
  isOpen(): boolean
}

const STATUSES: Record<number, ConversationStatus> = { 0: "open", 1: "open", 2: "open", 3: "closed", 4: "closed" }
const SEND_FROM_SERVER = "Send from your server: POST /v1/send-message."
const INSTEAD = {
  sendEmail: SEND_FROM_SERVER,
  sendSMS: SEND_FROM_SERVER,
  slackMessage: "Subscribe a webhook to message_in.",
  ajax: "Use `window.dexra.client` here, or /v1 from your server.",
  login: "Use `dexra.identify({ token })` with a token your server signs.",
}

type Link = [name: string, link: string]

export interface Sent {
  message_id: string
  conversation_id: string
  message: string
}

export type SBChat = ReturnType<typeof createSBChat>
export type SBF = ReturnType<typeof createSBF>

export function createSBChat(client: DexraClientHandle, panel: Panel, events: PageEvents) {
  let active: ConversationHandle | undefined
  const current = () => (active ??= client.current())
  const asConversation = (handle: ConversationHandle) => {
    const { summary, messages } = handle.state.get()
    return SBConversation.from(summary, messages)
  }

  const chat = {
    get initialized() {
      return client.state.get().user != null
    },
    get conversation(): SBConversation | false {
      return current().state.get().summary ? asConversation(current()) : false
    },
    get chat_open() {
      return panel.isOpen()
    },
    get agent_online() {
      return (client.state.get().inbox?.agents_online ?? 0) > 0
    },
    get user_online() {
      return client.state.get().connection == "online"
    },
    get timetable() {
      return client.state.get().inbox?.is_open ?? true
    },
    agent_id: -1,
    is_busy: false,
    dashboard: false,

    initChat: () => client.start(),
    open(isOpen = true) {
      if (isOpen) panel.open()
      else panel.close()
    },
    closeChat() {
      panel.close()
    },
    sendMessage(_userId: unknown, text = "", attachments: Link[] = [], onSuccess?: (sent: Sent) => void) {
      if (attachments.length) warnOnce("attachments of SBChat.sendMessage()", "Their links are sent as text.")
      const said = [text, ...attachments.map(([name, link]) => `${name}: ${link}`)].filter(Boolean).join("\n")
      const { client_message_id } = current().send({ text: said })
      const off = client.on("message_sent", (message) => {
        if (message.client_message_id != client_message_id) return
        off()
        onSuccess?.({ message_id: message.id, conversation_id: message.conversation_id, message: message.text })
      })
    },
    newConversation(...words: unknown[]) {
      const [, , text, attachments] = words as [unknown, unknown, string?, Link[]?]
      const onSuccess = words.find((word) => typeof word == "function") as ((made: SBConversation) => void) | undefined
      active = client.newConversation()
      if (onSuccess) {
        const off = client.on("conversation_created", (summary) => {
          off()
          onSuccess(SBConversation.from(summary, []))
        })
      }
      if (text || attachments?.length) chat.sendMessage(-1, text, attachments)
      events.tell("SBActiveConversationChanged", asConversation(active))
    },
    async openConversation(id: string) {
      active = client.conversation(id)
      await active.load()
      panel.open()
      const opened = asConversation(active)
      events.tell("SBConversationOpen", opened)
      events.tell("SBActiveConversationChanged", opened)
      return opened
    },
    setConversation(conversation: SBConversation) {
      active = client.conversation(conversation.id)
      events.tell("SBActiveConversationChanged", conversation)
    },
    async setConversationStatus(code: number) {
      const isClosed = STATUSES[code] == "closed"
      if (isClosed) await current().close()
      else
        warnOnce(`SBChat.setConversationStatus(${code})`, "A person may close a conversation; writing opens it again.")
      return isClosed
    },
    typing(_userId: unknown, action: "set" | "start" | "stop" | "check" = "check") {
      if (action != "check") current().typing(action != "stop")
    },
    getRecipientUserID: () => current().state.get().summary?.assignee?.id ?? "agents",
    populateConversations: (callback?: () => void) => client.loadConversations().then(() => callback?.()),
    updateConversations: () => client.loadConversations(),
    update: () => current().load(),
    startRealTime: () => client.start(),
    stopRealTime: () => client.stop(),
  }
  return forgiving("SBChat", chat, INSTEAD)
}

export function createSBF(client: DexraClientHandle, User: SBUserClass, events: PageEvents) {
  let activeUser: SBUser | false = false
  const settings = () => (window as any).SB_LOCAL_SETTINGS ?? {}
  const SBF = {
    activeUser(value?: SBUser) {
      if (value) activeUser = value
      const { user } = client.state.get()
      if (user && !activeUser) activeUser = new User().take(user)
      return activeUser
    },
    async getActiveUser(_fresh?: boolean, callback?: (user: SBUser | false) => void) {
      await client.ready()
      const user = SBF.activeUser()
      callback?.(user)
      return user
    },
    async logout() {
      await client.reset()
      activeUser = false
    },
    reset: () => SBF.logout(),
    setting: (name: string): unknown => settings()[name] ?? false,
    event: (name: string, payload?: unknown) => events.tell(name, payload),
    isAgent: (type: unknown) => ["agent", "admin", "bot"].includes(type as string),
    null: (value: unknown) => value === undefined || value === null || value === "" || value === "null",
    translate: (text: string) => text,
    escape: (text: string) => text.replace(/[&<>"']/g, (letter) => `&#${letter.charCodeAt(0)};`),
    error: (message: string, name = "") => events.tell("SBError", { message, function_name: name }),
  }
  return forgiving("SBF", SBF, INSTEAD)
}
