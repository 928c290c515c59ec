/** State for components: each hook watches one store of the client. */

import { useEffect, useMemo, useSyncExternalStore } from "react"
import { BEFORE_START } from "../client"
import { NOTHING_YET } from "../conversation"
import type { Strings } from "../locales/en"
import type {
  Author,
  ClientState,
  Connection,
  ConversationHandle,
  ConversationState,
  ConversationSummary,
  DexraClientHandle,
  Store,
} from "../types"
import { useUi } from "./context"

export function useStore<Value>(store: Store<Value>, onServer: Value): Value {
  const subscribe = useMemo(() => (watch: () => void) => store.subscribe(watch), [store])
  return useSyncExternalStore(
    subscribe,
    () => store.get(),
    () => onServer,
  )
}

/** For what reports its failures in state. */
export function quietly(work: Promise<unknown> | undefined): void {
  work?.catch(() => undefined)
}

export function useDexra(): DexraClientHandle {
  return useUi().client
}

export function useClientState(): ClientState {
  return useStore(useDexra().state, BEFORE_START)
}

export function useConnection(): Connection {
  return useClientState().connection
}

export function useUnread(): number {
  return useClientState().unread
}

export function useStrings(): Strings {
  return useUi().strings
}

/** What an author is called where they have no name. */
export function useNameOf(): (author: Author) => string {
  const { strings } = useUi()
  const { inbox } = useClientState()
  return ({ type, name }) =>
    type == "user" ? strings.you : name || (type == "ai" ? strings.assistant : inbox?.name || strings.chat)
}

export interface Conversations {
  conversations: readonly ConversationSummary[]
  hasMore: boolean
  loadMore(): Promise<void>
  /** Show one: an id, or nothing for a new one. */
  open(id?: string): void
}

export function useConversations(): Conversations {
  const { client, show } = useUi()
  const { conversations, hasMoreConversations } = useClientState()
  return {
    conversations,
    hasMore: hasMoreConversations,
    loadMore: () => client.loadConversations(),
    open: (id) => show(id ? client.conversation(id) : client.newConversation()),
  }
}

type Actions = Omit<ConversationHandle, "state" | "typing"> & { setTyping(isTyping: boolean): void }

export type Conversation = ConversationState & Actions & { /** The machine itself. */ handle: ConversationHandle }

/** One conversation's state and what can be done with it; without an id the one on screen. */
export function useConversation(id?: string): Conversation {
  const { client, shown } = useUi()
  const handle = useMemo(() => (id ? client.conversation(id) : shown), [client, id, shown])
  const state = useStore(handle.state, NOTHING_YET)
  const { connection } = useClientState()
  const isConnected = connection == "online" || connection == "polling"
  useEffect(() => {
    if (isConnected) quietly(handle.load())
  }, [handle, isConnected])
  return useMemo(() => ({ ...state, ...actionsOf(handle), handle }), [state, handle])
}

function actionsOf(handle: ConversationHandle): Actions {
  const { load, loadOlder, send, retry, discard, typing: setTyping, markRead, close, submit } = handle
  return { load, loadOlder, send, retry, discard, setTyping, markRead, close, submit }
}
