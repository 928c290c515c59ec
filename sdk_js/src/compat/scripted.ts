/** A client for tests: it does what it is told and notes what it was asked. */

import { createEmitter, createStore } from "../store"
import type {
  ClientState,
  ConversationHandle,
  ConversationState,
  ConversationSummary,
  DexraClientHandle,
  Message,
  User,
} from "../types"

export const AMINE: User = {
  id: "usr_1",
  external_id: null,
  name: "Amine",
  first_name: "Amine",
  last_name: "",
  email: "amine@example.ma",
  phone_number: null,
  avatar_url: "",
  user_type: "premium",
  language: "",
  country: "",
  city: "",
  custom_attributes: { subscription_expiry: "2026-12-31" },
  verified: false,
}

export function message(change: Partial<Message> = {}): Message {
  return {
    id: "msg_1",
    conversation_id: "conv_1",
    direction: "outbound",
    author: { type: "agent", id: "agt_1", name: "Sarah Naji", avatar_url: "" },
    message_type: "text",
    text: "Hello",
    content_type: "text",
    content_attributes: {},
    attachments: [],
    status: "sent",
    failure: null,
    client_message_id: null,
    edited_at: null,
    deleted_at: null,
    created_at: "2026-11-20T20:00:00.123456Z",
    updated_at: "2026-11-20T20:00:00.123456Z",
    ...change,
  }
}

export function summary(change: Partial<ConversationSummary> = {}): ConversationSummary {
  return {
    id: "conv_1",
    status: "open",
    subject: "",
    unread_count: 0,
    last_message: null,
    assignee: null,
    agents_seen_at: null,
    seen_at: null,
    created_at: "2026-11-20T20:00:00.123456Z",
    updated_at: "2026-11-20T20:00:00.123456Z",
    ...change,
  }
}

export function scriptedClient() {
  const asked: [name: string, ...words: unknown[]][] = []
  const { on, emit } = createEmitter()
  const state = createStore<ClientState>({
    connection: "online",
    user: AMINE,
    inbox: null,
    livemode: true,
    conversations: [],
    hasMoreConversations: false,
    unread: 0,
    waiting: 0,
    error: null,
  })
  const note =
    <Value>(name: string, answer?: Value) =>
    async (...words: unknown[]) => {
      asked.push([name, ...words])
      return answer as Value
    }
  const conversationState = createStore<ConversationState>({
    summary: summary(),
    messages: [message()],
    isLoading: false,
    hasOlder: false,
    typing: [],
    ai: { state: "idle", text: "" },
    error: null,
  })
  const handle: ConversationHandle = {
    state: conversationState,
    load: note("load"),
    loadOlder: note("loadOlder"),
    send(draft) {
      asked.push(["send", draft])
      return message({ direction: "inbound", text: draft.text ?? "", client_message_id: "c1", status: "queued" })
    },
    retry: note("retry"),
    discard: note("discard"),
    typing: note("typing"),
    markRead: note("markRead"),
    close: note("close"),
    submit: note("submit", message()),
  }
  const opened =
    (name: string) =>
    (id?: string): ConversationHandle => {
      asked.push(id ? [name, id] : [name])
      return handle
    }
  const client: DexraClientHandle = {
    state,
    start: note("start"),
    ready: note("ready"),
    stop: () => void asked.push(["stop"]),
    identify: note("identify", AMINE),
    update: note("update", AMINE),
    reset: note("reset"),
    loadConversations: note("loadConversations"),
    conversation: opened("conversation"),
    current: () => handle,
    newConversation: opened("newConversation"),
    on,
  }
  return { client, asked, emit, state, conversationState }
}
