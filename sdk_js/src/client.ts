/** The client: a session, its conversations and what is told of them. */

import { createChanges } from "./changes"
import { createConversations } from "./conversations"
import { DexraError, failureOf, toDexraError } from "./errors"
import { createHttp } from "./http"
import type { Live } from "./live"
import { createOutbox } from "./outbox"
import type { Entry } from "./outbox"
import { createProfile } from "./profile"
import { createSession } from "./session"
import type { Opened } from "./session"
import { createVault } from "./storage"
import { createEmitter, createStore } from "./store"
import { backoff } from "./timing"
import type { ClientState, ConversationSummary, DexraClientHandle, Message, Options, User } from "./types"

export type DexraClient = DexraClientHandle

/** Also what a server draws, and a page until it has taken over. */
export const BEFORE_START: ClientState = {
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

/** A part that comes later than the page: where there is no way to it now, there may be one soon. */
async function fetched<Part>(part: Promise<Part>): Promise<Part> {
  return part.catch((cause) => {
    throw new DexraError("network", "No connection", { cause })
  })
}

/** A client that does nothing until `start()`: safe to make on a server and at import. */
export function createDexra(options: Options): DexraClient {
  const state = createStore(BEFORE_START)
  const { on, emit } = createEmitter()
  const http = createHttp(options.baseUrl)
  const vault = createVault(options.storage, (cause) =>
    emit("error", { code: "storage_unavailable", message: "storage_unavailable", cause }),
  )

  let isStarted = false
  /** The session stands; and the conversations of whoever this is are here. */
  let isOpened = false
  let isReady = false
  let wasReady = false
  let refusal: DexraError | undefined
  let waiters: { resolve(user: User): void; reject(error: DexraError): void }[] = []
  /** Counts beginnings; an older one that is still under way stops. */
  let beginning = 0
  let failures = 0
  let retry: ReturnType<typeof setTimeout> | undefined

  const session = createSession(options, http, vault, { onOpened, onRefused })
  const outbox = createOutbox(vault, {
    async carry(parcel, tell) {
      const show = (progress: number) => {
        parcel.shown = { ...parcel.shown, progress }
        tell()
      }
      const { upload } = await fetched(import("./uploads"))
      const { id } = await session.authorised((token) => {
        const { done, abort } = upload(http.url("/attachments"), token, parcel.file, show)
        parcel.abort = abort
        return done
      })
      show(1)
      return id
    },
    post,
    onChange() {
      conversations.all().forEach((one) => one.redraw())
      state.set({ waiting: outbox.waiting() })
    },
    onFailed(entry, error) {
      if (error.code == "user_blocked") tellError(error)
      const shown = conversations.get(entry.conversation).state.get().messages
      emit(
        "message_failed",
        shown.find(({ client_message_id }) => client_message_id == entry.id)!,
      )
    },
  })
  const core = {
    outbox,
    emit,
    state: state.get,
    catchUp: () => changes.catchUp(),
    async call(method: string, path: string, body?: unknown): Promise<any> {
      if (!isOpened) await ready()
      return session.call(method, path, body)
    },
  }
  const conversations = createConversations(core, state)
  const changes = createChanges(session, conversations.hearChanges, conversations.reload)
  let live: Live | undefined
  const profile = createProfile(ready, async (attributes) => {
    const { ignored, ...user } = await session.call<any>("PATCH", "/me", attributes)
    tellUser(user)
    return { ...user, ignored }
  })

  // What is told

  function tellConnection(connection: ClientState["connection"]) {
    if (connection == state.get().connection) return
    state.set({ connection })
    emit("connection", connection)
  }

  function tellError(error: DexraError) {
    state.set({ error: failureOf(error) })
    emit("error", { ...failureOf(error), cause: error })
  }

  function tellUser(user: User) {
    if (JSON.stringify(user) == JSON.stringify(state.get().user)) return
    state.set({ user })
    emit("user", user)
  }

  // The session

  function onOpened({ user, inbox, livemode, ignored }: Opened) {
    const known = state.get().user
    // A visitor who says who they are keeps what is open before their eyes.
    if (known && known.id != user.id) conversations.forget(!known.external_id)
    refusal = undefined
    state.set({ inbox, livemode, error: null })
    tellUser(user)
    profile.warn(ignored)
    // Opened by itself and for somebody else: a session that was ended, a record that was erased.
    if (isReady && known && known.id != user.id) begin()
  }

  function onRefused(error: DexraError) {
    beginning++
    forgetSession()
    refusal = error
    tellConnection("stopped")
    tellError(error)
    waiters.forEach(({ reject }) => reject(error))
    waiters = []
  }

  /** Whatever comes next has to be opened first. */
  function forgetSession() {
    live?.stop()
    outbox.pause()
    isOpened = isReady = false
    refusal = undefined
  }

  function ready(): Promise<User> {
    if (refusal) return Promise.reject(refusal)
    if (isReady) return Promise.resolve(state.get().user!)
    return new Promise((resolve, reject) => waiters.push({ resolve, reject }))
  }

  /** Open the session, fetch the list, listen; until it works or cannot. */
  function begin() {
    forgetSession()
    failures = 0
    state.set({ error: null })
    tellConnection("connecting")
    void attempt()
  }

  async function attempt() {
    const mine = ++beginning
    clearTimeout(retry)
    try {
      const [opened] = await Promise.all([session.open(), prepareLive()])
      if (mine != beginning) return
      isOpened = true
      changes.startAt(opened.position)
      outbox.open(session.home(), session.anonymousHome)
      await conversations.reload(opened.unread_count)
      if (mine == beginning) begun()
    } catch (thrown) {
      const error = toDexraError(thrown)
      if (mine != beginning) return
      if (!error.isTransient) return onRefused(error)
      // What the page itself gets wrong is told; a network that is away is seen in `connection`.
      if (error.code == "identity_unavailable") tellError(error)
      else state.set({ error: failureOf(error) })
      tellConnection("offline")
      retry = setTimeout(attempt, (error.retryAfter ?? 0) * 1000 || backoff(++failures))
    }
  }

  async function prepareLive() {
    const { createLive } = await fetched(import("./live"))
    live ??= createLive(session, options.transport != "polling", {
      onFrame,
      onConnection: tellConnection,
      catchUp: changes.catchUp,
      onReset: () => void reset(true),
    })
  }

  function begun() {
    const user = state.get().user!
    isReady = true
    state.set({ error: null })
    tellConnection("connecting")
    live!.start()
    waiters.forEach(({ resolve }) => resolve(user))
    waiters = []
    if (!wasReady) emit("ready", { user, inbox: state.get().inbox! })
    wasReady = true
  }

  // What happens

  function onFrame({ event, data }: any) {
    if (event == "presence") state.set({ inbox: { ...state.get().inbox!, agents_online: data.agents_online } })
    else if (event == "user.updated") tellUser(data.user)
    else if (event == "session.ended") {
      session.forget()
      begin()
    } else conversations.hear({ event, data })
  }

  async function post(entry: Entry) {
    const { id, conversation, text, attachment_ids } = entry
    const message = { text, client_message_id: id, attachment_ids }
    if (conversation.startsWith("new_")) {
      const made = await session.call<ConversationSummary & { messages: Message[] }>("POST", "/conversations", {
        message,
      })
      const { messages, ...summary } = made
      conversations.born(conversation, summary.id)
      messages.forEach(conversations.putMessage)
      conversations.putSummary(summary)
    } else {
      conversations.putMessage(await session.call("POST", `/conversations/${conversation}/messages`, message))
    }
    if (state.get().error?.code == "user_blocked") state.set({ error: null })
  }

  // What the page asks

  function wake() {
    if (globalThis.document?.hidden) return
    if (!isReady && !refusal) void attempt()
    live?.wake()
    outbox.wake()
  }

  function listen(act: "addEventListener" | "removeEventListener") {
    ;["online", "offline", "visibilitychange"].forEach((name) => globalThis.window?.[act]?.(name, wake))
  }

  async function start() {
    if (!isStarted) listen("addEventListener")
    if (!isStarted || refusal) begin()
    isStarted = true
    await ready().catch(() => {})
  }

  async function reset(isTold = false) {
    const opened = session.current()
    if (!isTold) live?.tellReset()
    live?.stop()
    outbox.wipe()
    outbox.close()
    session.forget()
    session.become(null)
    profile.forget()
    conversations.forget(false)
    forgetSession()
    state.set({ user: null, unread: 0, error: null })
    emit("reset", null)
    if (isStarted) begin()
    if (opened && !isTold) await http("DELETE", "/session", opened.token).catch(() => {})
  }

  return {
    state,
    start,
    ready: () => ready().then(() => {}),
    stop() {
      beginning++
      isStarted = isOpened = isReady = false
      clearTimeout(retry)
      live?.stop()
      outbox.close()
      conversations.all().forEach((one) => one.quiet())
      listen("removeEventListener")
      tellConnection("idle")
    },
    identify(identity, attributes) {
      session.become(identity, attributes)
      forgetSession()
      if (isStarted) begin()
      return ready()
    },
    update: profile.update,
    reset: () => reset(),
    async loadConversations() {
      await ready()
      await conversations.loadMore()
    },
    conversation: conversations.get,
    current: conversations.current,
    newConversation: conversations.fresh,
    on,
  }
}
