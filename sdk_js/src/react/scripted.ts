/** A client that does as a test or the gallery says: the handles of `types.ts` over plain stores. */

import { NOTHING_YET } from "../conversation"
import { createEmitter, createStore, type WritableStore } from "../store"
import type {
  Attachment,
  ClientState,
  ConversationHandle,
  ConversationState,
  ConversationSummary,
  DexraClientHandle,
  Draft,
  InboxInfo,
  Message,
} from "../types"

export const ADA = { type: "agent", id: "agt_1", name: "Ada Byron", avatar_url: "" } as const
export const ROBOT = { type: "ai", id: null, name: "", avatar_url: "" } as const
export const PERSON = { type: "user", id: "usr_1", name: "Sam", avatar_url: "" } as const

export const INBOX: InboxInfo = {
  id: "inb_1",
  name: "Support",
  is_open: true,
  agents_online: 2,
  greeting: "",
  identity_required: false,
  appearance: {},
  limits: { file_bytes: 10_000_000, files: 3, text_characters: 2000 },
}

export const ONLINE: Partial<ClientState> = { connection: "online", inbox: INBOX, livemode: true }

let made = 0

export function aMessage(change: Partial<Message> = {}): Message {
  made += 1
  const at = new Date(Date.now() - 3600_000 + made * 1000).toISOString()
  return {
    id: `msg_${made}`,
    conversation_id: "conv_1",
    direction: "outbound",
    author: change.direction == "inbound" ? PERSON : ADA,
    message_type: "text",
    text: `Message ${made}`,
    content_type: "text",
    content_attributes: {},
    attachments: [],
    status: "sent",
    failure: null,
    client_message_id: null,
    edited_at: null,
    deleted_at: null,
    created_at: at,
    updated_at: at,
    ...change,
  }
}

export function anAttachment(change: Partial<Attachment> = {}): Attachment {
  made += 1
  const plain = { id: `att_${made}`, type: "file", url: "https://example.com/a.pdf", filename: "a.pdf" } as const
  return { ...plain, content_type: "application/pdf", size: 48_200, details: {}, ...change }
}

export function aSummary(change: Partial<ConversationSummary> = {}): ConversationSummary {
  const at = new Date(Date.now() - 7200_000).toISOString()
  return {
    id: "conv_1",
    status: "open",
    subject: "",
    unread_count: 0,
    last_message: null,
    assignee: { id: "agt_1", name: "Ada Byron", avatar_url: "" },
    agents_seen_at: null,
    seen_at: null,
    created_at: at,
    updated_at: at,
    ...change,
  }
}

export interface ScriptedConversation extends ConversationHandle {
  readonly state: WritableStore<ConversationState>
  /** What was asked of it: the method's name and what it was given. */
  readonly calls: unknown[][]
  /** What `send` or `submit` throws next. */
  refusal: Error | null
}

export function scriptedConversation(begin: Partial<ConversationState> = {}): ScriptedConversation {
  const state = createStore<ConversationState>({ ...NOTHING_YET, ...begin })
  const calls: unknown[][] = []
  const handle: ScriptedConversation = {
    state,
    calls,
    refusal: null,
    load: async () => void calls.push(["load"]),
    loadOlder: async () => void calls.push(["loadOlder"]),
    send: (draft: Draft) => {
      if (handle.refusal) throw handle.refusal
      calls.push(["send", draft])
      const message = aMessage({
        direction: "inbound",
        text: draft.text ?? "",
        status: "queued",
        client_message_id: `local_${made}`,
        created_at: new Date().toISOString(),
      })
      state.set({ messages: [...state.get().messages, message] })
      return message
    },
    retry: (id) => void calls.push(["retry", id]),
    discard: (id) => void calls.push(["discard", id]),
    typing: (isTyping) => void calls.push(["typing", isTyping]),
    markRead: async () => void calls.push(["markRead"]),
    close: async () => void calls.push(["close"]),
    submit: async (id, values) => {
      calls.push(["submit", id, values])
      if (handle.refusal) throw handle.refusal
      return state.get().messages.find((each) => each.id == id)!
    },
  }
  return handle
}

export interface ScriptedClient extends DexraClientHandle {
  readonly state: WritableStore<ClientState>
  readonly calls: string[]
  emit: ReturnType<typeof createEmitter>["emit"]
  /** By id; `current` is the first, `newConversation` makes an empty one. */
  readonly known: Map<string, ScriptedConversation>
}

export function scriptedClient(
  begin: Partial<ClientState> = ONLINE,
  ...conversations: ScriptedConversation[]
): ScriptedClient {
  const events = createEmitter()
  const state = createStore<ClientState>({
    connection: "idle",
    user: null,
    inbox: null,
    livemode: false,
    conversations: [],
    hasMoreConversations: false,
    unread: 0,
    waiting: 0,
    error: null,
    ...begin,
  })
  const first = conversations[0] ?? scriptedConversation()
  const known = new Map(conversations.map((each) => [each.state.get().summary?.id ?? "", each]))
  const calls: string[] = []
  const note = (name: string) => async () => void calls.push(name)
  return {
    ...events,
    state,
    calls,
    known,
    start: note("start"),
    ready: note("ready"),
    stop: () => void calls.push("stop"),
    identify: async () => state.get().user!,
    update: async () => state.get().user!,
    reset: note("reset"),
    loadConversations: note("loadConversations"),
    conversation: (id) => known.get(id) ?? first,
    current: () => first,
    newConversation: () => scriptedConversation(),
  }
}
