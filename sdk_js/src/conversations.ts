/** All that one person has said and heard: the list, its unread count, and what is new in it. */

import { createConversation } from "./conversation"
import type { Conversation, Core, Page } from "./conversation"
import { newId } from "./outbox"
import type { WritableStore } from "./store"
import type { Author, ClientState, ConversationSummary, Message } from "./types"

/** How many a page of the list has. */
const PAGE = 20

export interface Conversations {
  get(id: string): Conversation
  all(): Conversation[]
  current(): Conversation
  fresh(): Conversation
  putSummary(summary: ConversationSummary): void
  putMessage(message: Message): void
  /** A conversation that was begun here exists on the server. */
  born(name: string, id: string): void
  redraw(name: string): void
  /** The first page of the list; with the loaded conversations as they are now. */
  reload(unread: number): Promise<void>
  loadMore(): Promise<void>
  hear(frame: { event: string; data: any }): void
  hearChanges(changes: { conversations: ConversationSummary[]; messages: Message[] }): void
  /** `keepsOpen`: the same person under another name; what is open stays open. */
  forget(keepsOpen: boolean): void
}

const activity = (summary: ConversationSummary) => summary.last_message?.created_at ?? summary.created_at

export function createConversations(core: Core, state: WritableStore<ClientState>): Conversations {
  let open: Conversation[] = []
  let cursor: string | null = null
  /** What is unread in conversations that are not in the list yet. */
  let unseen = 0
  /** The versions of messages that were told of; and when the latest was made that is not an answer to this page. */
  let told = new Map<string, string>()
  let latest = ""

  const named = (name: string) => open.filter((conversation) => conversation.name() == name)

  function get(name: string): Conversation {
    const known = named(name)[0]
    if (known) return known
    const made = createConversation(core, name)
    open = [...open, made]
    made.show({ summary: state.get().conversations.find(({ id }) => id == name) ?? null })
    made.redraw()
    return made
  }

  function list(conversations: ConversationSummary[]) {
    conversations.sort((one, other) => (activity(one) < activity(other) ? 1 : -1))
    const unread = conversations.reduce((sum, { unread_count }) => sum + unread_count, unseen)
    const hasChanged = unread != state.get().unread
    state.set({ conversations, unread })
    if (hasChanged) core.emit("unread", unread)
  }

  function putSummary(summary: ConversationSummary) {
    const { conversations } = state.get()
    const known = conversations.find(({ id }) => id == summary.id)
    if (known && (known.updated_at > summary.updated_at || JSON.stringify(known) == JSON.stringify(summary))) return
    const isBorn = !known && conversations.every(({ created_at }) => created_at < summary.created_at)
    if (!known) unseen = Math.max(0, unseen - summary.unread_count)
    list([summary, ...conversations.filter((one) => one != known)])
    named(summary.id).forEach((conversation) => conversation.show({ summary }))
    core.emit(isBorn ? "conversation_created" : "conversation_updated", summary)
  }

  function putMessage(message: Message) {
    const { id, conversation_id, client_message_id, created_at, updated_at } = message
    const waiting = client_message_id && core.outbox.remove(client_message_id)
    if (waiting && waiting.conversation != conversation_id) born(waiting.conversation, conversation_id)
    named(conversation_id).forEach((conversation) => conversation.put([message]))
    const before = told.get(id)
    if (before && before >= updated_at) return
    told.set(id, updated_at)
    if (waiting) core.emit("message_sent", message)
    else if (before || created_at <= latest) core.emit("message_updated", message)
    else if (message.direction == "outbound") core.emit("message", message)
  }

  function born(name: string, id: string) {
    core.outbox.rename(name, id)
    const summary = state.get().conversations.find((one) => one.id == id) ?? null
    for (const conversation of named(name)) {
      conversation.rename(id)
      conversation.show({ summary })
    }
  }

  async function fetchPage() {
    const after = cursor ? "&cursor=" + encodeURIComponent(cursor) : ""
    const page = await core.call<Page<ConversationSummary>>("GET", `/conversations?limit=${PAGE}${after}`)
    cursor = page.next_cursor
    state.set({ hasMoreConversations: page.has_more })
    return page.data
  }

  function listMore(news: ConversationSummary[]) {
    const ids = new Set(news.map(({ id }) => id))
    list([...state.get().conversations.filter(({ id }) => !ids.has(id)), ...news])
    for (const summary of news) {
      noteTime(summary.last_message?.created_at)
      named(summary.id).forEach((conversation) => conversation.show({ summary }))
    }
  }

  function noteTime(created_at = "") {
    if (created_at > latest) latest = created_at
  }

  function fresh(): Conversation {
    const unused = open.find(({ name }) => name().startsWith("new_") && !core.outbox.of(name()).length)
    return unused ?? get("new_" + newId())
  }

  const on: Record<string, (data: any) => void> = {
    typing(typing: { conversation_id: string; author: Author; is_typing: boolean }) {
      named(typing.conversation_id).forEach((one) => one.hearTyping(typing.author, typing.is_typing))
      core.emit("typing", typing)
    },
    "ai.state"(ai) {
      named(ai.conversation_id).forEach((one) => one.hearAi(ai.state, ai.text ?? ""))
      core.emit("ai_state", ai)
    },
  }

  return {
    get,
    all: () => open,
    current() {
      const summary = state.get().conversations.find(({ status }) => status != "closed")
      const name = summary?.id ?? core.outbox.unborn()
      return name ? get(name) : fresh()
    },
    fresh,
    putSummary,
    putMessage,
    born,
    redraw: (name) => named(name).forEach((one) => one.redraw()),
    async reload(unread) {
      cursor = null
      const page = await fetchPage()
      unseen = Math.max(0, unread - page.reduce((sum, { unread_count }) => sum + unread_count, 0))
      listMore(page)
      await Promise.all(open.filter((one) => one.state.get().messages.length).map((one) => one.reload()))
    },
    async loadMore() {
      if (!state.get().hasMoreConversations) return
      const page = await fetchPage()
      unseen = Math.max(0, unseen - page.reduce((sum, { unread_count }) => sum + unread_count, 0))
      listMore(page)
    },
    hear({ event, data }) {
      on[event]?.(data)
      if (data.message) putMessage(data.message)
      if (data.conversation) putSummary(data.conversation)
      noteTime(data.message?.created_at)
    },
    hearChanges({ conversations, messages }) {
      messages.forEach(putMessage)
      conversations.forEach(putSummary)
      messages.forEach(({ created_at }) => noteTime(created_at))
    },
    forget(keepsOpen) {
      told = new Map()
      latest = ""
      cursor = null
      unseen = 0
      if (!keepsOpen) {
        open.forEach((one) => one.forget())
        open = []
      }
      state.set({ conversations: [], hasMoreConversations: false })
    },
  }
}
