/** One conversation kept in step with the server. */

import { DexraError, failureOf, toDexraError } from "./errors"
import { newId } from "./outbox"
import type { Entry, Outbox, Parcel } from "./outbox"
import { createStore } from "./store"
import type { Emitter } from "./store"
import { sleep } from "./timing"
import type {
  AiProgress,
  Attachment,
  Author,
  ClientState,
  ConversationHandle,
  ConversationState,
  ConversationSummary,
  Draft,
  InboxInfo,
  Message,
} from "./types"

const TYPING_TOLD = 3_000
const TYPING_ENDS = 5_000
const TYPING_SHOWN = 6_000
const AI_SHOWN = 30_000
const READ_TOLD = 1_000
const READ_REFUSED = 30_000

export const NOTHING_YET: ConversationState = {
  summary: null,
  messages: [],
  isLoading: false,
  hasOlder: false,
  typing: [],
  ai: { state: "idle", text: "" },
  error: null,
}

export interface Page<Row> {
  data: Row[]
  has_more: boolean
  next_cursor: string | null
}

/** What a conversation needs of the client. */
export interface Core {
  outbox: Outbox
  emit: Emitter["emit"]
  state(): ClientState
  call<Answer>(method: string, path: string, body?: unknown): Promise<Answer>
  catchUp(): Promise<void>
  putSummary(summary: ConversationSummary): void
  putMessage(message: Message): void
}

/** A handle, and how the client tells it what happened. */
export interface Conversation extends ConversationHandle {
  name(): string
  /** It exists on the server now, as `id`. */
  rename(id: string): void
  put(messages: Message[]): void
  show(change: Partial<ConversationState>): void
  redraw(): void
  hearTyping(author: Author, isTyping: boolean): void
  hearAi(state: AiProgress, text: string): void
  reload(): Promise<void>
  /** Leave no timer. */
  quiet(): void
  forget(): void
}

/** Known and new messages, each once and in its latest version, oldest first. */
function merged(known: Message[], news: Message[]): Message[] {
  const latest = new Map(known.map((message) => [message.id, message]))
  for (const message of news) {
    if (!(latest.get(message.id)?.updated_at! > message.updated_at)) latest.set(message.id, message)
  }
  return [...latest.values()].sort((one, other) => one.created_at.localeCompare(other.created_at))
}

function parcel(file: File): Parcel {
  const shown: Attachment = {
    id: "local_" + newId(),
    type: (/^(image|video|audio)\//.exec(file.type)?.[1] ?? "file") as Attachment["type"],
    url: URL.createObjectURL?.(file) ?? "",
    filename: file.name,
    content_type: file.type,
    size: file.size,
    details: {},
    progress: 0,
  }
  return { file, shown }
}

/** Throws what can be known without asking the server. */
function check({ text = "", files = [] }: Draft, limits?: InboxInfo["limits"]) {
  const refuse = (code: string, status: number, limit?: number) => {
    throw new DexraError(code, limit ? `${code}: ${limit}` : code, { status })
  }
  if (!text.trim() && !files.length) refuse("message_empty", 422)
  if (!limits) return
  const { text_characters, files: most, file_bytes } = limits
  if ([...text].length > text_characters) refuse("text_too_long", 422, text_characters)
  if (files.length > most) refuse("too_many_files", 422, most)
  if (files.some(({ size }) => size > file_bytes)) refuse("file_too_large", 413, file_bytes)
}

export function createConversation(core: Core, name: string): Conversation {
  const state = createStore(NOTHING_YET)
  const path = () => "/conversations/" + name
  let known: Message[] = []
  let isLoaded = false
  let cursor: string | null = null
  let loading: Promise<void> | undefined
  let reading = Promise.resolve()
  let typingTold = -Infinity
  const timers = new Map<string, ReturnType<typeof setTimeout>>()

  const isNew = () => name.startsWith("new_")

  function after(timer: string, wait: number, act: () => void) {
    clearTimeout(timers.get(timer))
    timers.set(timer, setTimeout(act, wait))
  }

  function drawn(entry: Entry): Message {
    const { id, text, files, at, failure } = entry
    const { id: user = null, name: author = "", avatar_url = "" } = core.state().user ?? {}
    const said_at = new Date(at).toISOString()
    return {
      id: "local_" + id,
      conversation_id: name,
      direction: "inbound",
      author: { type: "user", id: user, name: author, avatar_url },
      message_type: files ? "media" : "text",
      text,
      content_type: "text",
      content_attributes: {},
      attachments: core.outbox.parcels(entry).map(({ shown }) => shown),
      status: failure ? "failed" : core.outbox.isSending(entry) ? "sending" : "queued",
      failure,
      client_message_id: id,
      edited_at: null,
      deleted_at: null,
      created_at: said_at,
      updated_at: said_at,
    }
  }

  function redraw() {
    const waiting = core.outbox.of(name).map(drawn)
    state.set({ messages: [...known, ...waiting] })
  }

  async function fetchLatest() {
    const whose = known
    const [page, summary] = await Promise.all([
      core.call<Page<Message>>("GET", path() + "/messages?limit=50"),
      state.get().summary ? null : core.call<ConversationSummary>("GET", path()),
    ])
    if (summary) core.putSummary(summary)
    const ids = new Set(whose.map(({ id }) => id))
    const last = page.data[page.data.length - 1]
    if (!isLoaded || !page.data.some(({ id }) => ids.has(id))) {
      // Nothing of what is here touches the page: between them there may be more, so the page is the beginning again.
      if (last) known = known.filter((message) => message.created_at > last.created_at)
      cursor = page.next_cursor
    }
    known = merged(known, page.data)
    isLoaded = true
  }

  /** Do something that loads; its failure is told in the state. */
  function loads(act: () => Promise<void>): Promise<void> {
    loading ??= (async () => {
      state.set({ isLoading: true, error: null })
      try {
        await act()
      } catch (error) {
        state.set({ error: failureOf(toDexraError(error)) })
      }
      loading = undefined
      redraw()
      state.set({ isLoading: false, hasOlder: !!cursor })
    })()
    return loading
  }

  const reload = () => (isNew() ? Promise.resolve() : loads(fetchLatest))

  function typing(isTyping: boolean) {
    clearTimeout(timers.get("own"))
    if (isNew()) return
    if (isTyping) after("own", TYPING_ENDS, () => typing(false))
    const now = performance.now()
    if (isTyping ? now - typingTold < TYPING_TOLD : typingTold == -Infinity) return
    typingTold = isTyping ? now : -Infinity
    core.call("POST", path() + "/typing", { is_typing: isTyping }).catch(() => {})
  }

  function hearTyping(author: Author, isTyping: boolean) {
    const others = state.get().typing.filter(({ type, id }) => type != author.type || id != author.id)
    clearTimeout(timers.get("typing:" + author.type + author.id))
    if (isTyping) {
      after("typing:" + author.type + author.id, TYPING_SHOWN, () => {
        hearTyping(author, false)
        core.emit("typing", { conversation_id: name, author, is_typing: false })
      })
    }
    state.set({ typing: isTyping ? [...others, author] : others })
  }

  function hearAi(progress: AiProgress, text: string) {
    clearTimeout(timers.get("ai"))
    if (progress != "idle") after("ai", AI_SHOWN, () => hearAi("idle", ""))
    state.set({ ai: { state: progress, text } })
  }

  /** Somebody who has spoken has stopped writing. */
  function heardOut(message: Message) {
    if (message.direction == "inbound") return
    if (state.get().typing.length) hearTyping(message.author, false)
    if (state.get().ai.state != "idle") hearAi("idle", "")
  }

  async function read() {
    const { summary } = state.get()
    if (!summary?.unread_count) return
    core.putSummary({ ...summary, unread_count: 0 })
    let pause = READ_TOLD
    try {
      await core.call("POST", path() + "/read", {})
    } catch {
      const now = state.get().summary
      if (now?.unread_count == 0) core.putSummary({ ...now, unread_count: summary.unread_count })
      pause = READ_REFUSED
    }
    await sleep(pause)
  }

  function quiet() {
    timers.forEach(clearTimeout)
    state.set({ typing: [], ai: NOTHING_YET.ai })
  }

  return {
    state,
    name: () => name,
    load: () => (isLoaded ? core.catchUp().catch(() => {}) : reload()),
    loadOlder: () =>
      cursor
        ? loads(async () => {
            const older = `/messages?limit=50&cursor=${encodeURIComponent(cursor!)}`
            const page = await core.call<Page<Message>>("GET", path() + older)
            known = merged(known, page.data)
            cursor = page.next_cursor
          })
        : Promise.resolve(),
    send(draft) {
      check(draft, core.state().inbox?.limits)
      typing(false)
      const entry = core.outbox.add(name, draft.text ?? "", (draft.files ?? []).map(parcel))
      return drawn(entry)
    },
    retry: (id) => core.outbox.retry(id.replace("local_", "")),
    discard: (id) => void core.outbox.remove(id.replace("local_", "")),
    typing,
    markRead: () => (reading = reading.then(read)),
    async close() {
      if (!isNew()) core.putSummary(await core.call("PATCH", path(), { status: "closed" }))
    },
    async submit(messageId, values) {
      const message = await core.call<Message>("PATCH", "/messages/" + messageId, { submitted_values: values })
      core.putMessage(message)
      return message
    },
    rename(id) {
      name = id
      isLoaded = true
    },
    put(messages) {
      messages.forEach(heardOut)
      // What is older than the oldest here comes with its neighbours, by `loadOlder`.
      const fits = messages.filter((message) => !cursor || message.created_at >= (known[0]?.created_at ?? ""))
      if (isLoaded || loading) known = merged(known, fits)
      redraw()
    },
    show: state.set,
    redraw,
    hearTyping,
    hearAi,
    reload,
    quiet,
    forget() {
      quiet()
      known = []
      cursor = null
      isLoaded = false
      state.set(NOTHING_YET)
    },
  }
}
