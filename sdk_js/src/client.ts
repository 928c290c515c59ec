/** The client: a session, its conversations and what is told of them. */

import { NOTHING_YET } from "./conversation"
import { createEmitter, createStore } from "./store"
import type { ClientState, ConversationHandle, DexraClientHandle, Options } from "./types"

export type DexraClient = DexraClientHandle

const BEFORE_START: ClientState = {
  connection: "idle",
  user: null,
  inbox: null,
  livemode: false,
  conversations: [],
  hasMoreConversations: false,
  unread: 0,
  waiting: 0,
  error: null,
}

function unfinished(): never {
  throw new Error("Not written yet.")
}

/** A client that does nothing until `start()`: safe to make on a server and at import. */
export function createDexra(_options: Options): DexraClient {
  const state = createStore(BEFORE_START)
  const { on } = createEmitter()
  const conversation = (_id: string): ConversationHandle => ({
    state: createStore(NOTHING_YET),
    load: async () => unfinished(),
    loadOlder: async () => unfinished(),
    send: unfinished,
    retry: unfinished,
    discard: unfinished,
    typing: unfinished,
    markRead: async () => unfinished(),
    close: async () => unfinished(),
    submit: async () => unfinished(),
  })
  return {
    state,
    start: async () => unfinished(),
    ready: async () => unfinished(),
    stop: unfinished,
    identify: async () => unfinished(),
    update: async () => unfinished(),
    reset: async () => unfinished(),
    loadConversations: async () => unfinished(),
    conversation,
    current: () => conversation(""),
    newConversation: () => conversation(""),
    on,
  }
}
