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
  /** The first page of the list; with the loaded conversations as they are now. */
  reload(unread: number): Promise<void>
  loadMore(): Promise<void>
  hear(frame: { event: string; data: any }): void
  hearChanges(changes: { conversations: ConversationSummary[]; messages: Message[] }): void
  /** `keepsOpen`: the same person under another name; what is open stays open. */
  forget(keepsOpen: boolean): void
}

const activity = (summary: ConversationSummary) => summary.last_message?.created_at ?? summary.created_at

export function createConversations(
  client: Omit<Core, "putSummary" | "putMessage">,
  state: WritableStore<ClientState>,
): Conversations {
  const core: Core = { ...client, putSummary, putMessage }
  let open: Conversation[] = []
  let cursor: string | null = null
  /** What is unread in conversations that are not in the list yet. */
  let unseen = 0
  /** The versions of messages that were told of; and when the latest was made that is not an answer to this page. */
  let told = new Map<string, string>()
  let latest = ""

  const named = (name: string) => open.filter((conversation) => conversation.name() == name)

  const known = (id: string) => state.get().conversations.find((one) => one.id == id)

  function get(name: string): Conversation {
    const there = named(name)[0]
    if (there) return there
    const made = createConversation(core, name)
    open = [...open, made]
    showSummary(made)
    made.redraw()
    return made
  }

  /** Set the list, and what follows from it. */
  function list(conversations: ConversationSummary[]) {
    conversations.sort((one, other) => activity(other).localeCompare(activity(one)))
    const unread = conversations.reduce((sum, { unread_count }) => sum + unread_count, unseen)
    const hasChanged = unread != state.get().unread
    state.set({ conversations, unread })
    open.forEach(showSummary)
    if (hasChanged) core.emit("unread", unread)
  }

  function showSummary(conversation: Conversation) {
    const summary = known(conversation.name())
    if (summary) conversation.show({ summary })
  }

  /** Put these in the list; those that are in it already are replaced. */
  function add(news: ConversationSummary[]) {
    list([...state.get().conversations.filter(({ id }) => news.every((one) => one.id != id)), ...news])
  }

  function putSummary(summary: ConversationSummary) {
    const before = known(summary.id)
    if (before && (before.updated_at > summary.updated_at || JSON.stringify(before) == JSON.stringify(summary))) return
    const isBorn = !before && state.get().conversations.every(({ created_at }) => created_at < summary.created_at)
    if (!before) unseen = Math.max(0, unseen - summary.unread_count)
    add([summary])
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
    for (const conversation of named(name)) {
      conversation.rename(id)
      showSummary(conversation)
    }
  }

  /** Fetch the next page of a list with so many unread outside of what is here. */
  async function fetchPage(unread: number) {
    const after = cursor ? "&cursor=" + encodeURIComponent(cursor) : ""
    const { data, has_more, next_cursor } = await core.call<Page<ConversationSummary>>(
      "GET",
      `/conversations?limit=${PAGE}${after}`,
    )
    cursor = next_cursor
    state.set({ hasMoreConversations: has_more })
    unseen = Math.max(
      0,
      data.reduce((sum, { unread_count }) => sum - unread_count, unread),
    )
    add(data)
    data.forEach(({ last_message }) => noteTime(last_message?.created_at))
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
    async reload(unread) {
      cursor = null
      await fetchPage(unread)
      await Promise.all(open.filter((one) => one.state.get().messages.length).map((one) => one.reload()))
    },
    async loadMore() {
      if (state.get().hasMoreConversations) await fetchPage(unseen)
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
