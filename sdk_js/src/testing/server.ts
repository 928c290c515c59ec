/** The other end of the network for tests: a small server that answers fetch and sockets from memory. */

import { vi } from "vitest"
import type { ConversationSummary, Message } from "../types"

export interface Asked {
  method: string
  path: string
  token: string
  body: any
}

interface Rule {
  matches: RegExp
  times: number
  act: (asked: Asked) => Response | "lose" | "hang" | undefined
}

const PINGS = 3_000

export class ScriptedServer {
  asked: Asked[] = []
  /** Nothing gets through: requests fail, sockets do not open. */
  isDown = false
  socketsWork = true
  keepsHistory = true
  sockets: ScriptedSocket[] = []
  people = new Map<string, any>()
  conversations = new Map<string, ConversationSummary>()
  messages: Message[] = []
  tokens = new Map<string, string>()
  changed: { id: string; at: number }[] = []
  goneBefore = 0
  offset = 0
  private rules: Rule[] = []
  private frames: any[] = []
  private counter = 0

  /** Answer requests like `POST /messages` so, `times` times. */
  when(matches: RegExp, act: Rule["act"], times = 1) {
    this.rules.push({ matches, act, times })
  }
  refuse(matches: RegExp, status: number, code: string, times = 1, headers: Record<string, string> = {}) {
    this.when(matches, () => failure(status, code, headers), times)
  }
  lose(matches: RegExp, times = 1) {
    this.when(matches, () => "lose", times)
  }
  count(matches: RegExp) {
    return this.asked.filter(({ method, path }) => matches.test(`${method} ${path}`)).length
  }
  last(matches: RegExp) {
    return this.asked.filter(({ method, path }) => matches.test(`${method} ${path}`)).pop()
  }

  fetch = async (url: string, init: RequestInit): Promise<Response> => {
    if (this.isDown) throw new TypeError("Failed to fetch")
    const asked = {
      method: init.method!,
      path: url.replace(/^.*\/client\/v1/, ""),
      token: (init.headers as any).Authorization?.slice(7) ?? "",
      body: init.body ? JSON.parse(init.body as string) : undefined,
    }
    this.asked.push(asked)
    const rule = this.rules.find(({ matches, times }) => times > 0 && matches.test(`${asked.method} ${asked.path}`))
    if (rule) rule.times--
    const said = rule?.act(asked)
    if (said == "hang") {
      return new Promise((_, reject) =>
        init.signal!.addEventListener("abort", () => reject(new DOMException("Aborted", "AbortError"))),
      )
    }
    if (said && said != "lose") return said
    const answer = this.answer(asked)
    if (said == "lose") throw new TypeError("Failed to fetch")
    return answer
  }

  private answer({ method, path, token, body }: Asked): Response {
    if (path == "/sessions") return this.openSession(body)
    const who = this.tokens.get(token)
    if (!who) return failure(401, "session_expired")
    const [, , id, what] = path.split(/[/?]/)
    if (path == "/me") return json({ ...Object.assign(this.people.get(who), body), ignored: [] })
    if (path.startsWith("/changes")) return this.changesSince(Number(path.split("since=")[1]))
    if (path == "/session") return json(null, 204)
    if (path.startsWith("/messages/")) return json({ ...this.messages.find((m) => m.id == id), updated_at: this.now() })
    if (path.startsWith("/conversations?")) return json(this.page([...this.conversations.values()].reverse()))
    if (path == "/conversations") return this.begin(body.message)
    const conversation = this.conversations.get(id!)
    if (!conversation) return failure(404, "conversation_not_found")
    if (what == "messages") {
      return method == "GET" ? this.history(id!, path) : this.take(id!, body)
    }
    if (what) return json(null, 204)
    if (method == "PATCH") this.change(id!, body)
    return json(this.conversations.get(id!))
  }

  private page<Row>(data: Row[]) {
    return { data, has_more: false, next_cursor: null }
  }

  private history(id: string, path: string) {
    const all = this.messages.filter((message) => message.conversation_id == id)
    const limit = 50
    const end = Number(/cursor=(\d+)/.exec(path)?.[1] ?? all.length)
    const start = Math.max(0, end - limit)
    return json({ data: all.slice(start, end), has_more: start > 0, next_cursor: start > 0 ? String(start) : null })
  }

  private openSession(body: any) {
    const identifier = body.identity?.identifier ?? (body.identity && subject(body.identity.token))
    const source_id = body.source_id ?? `src_${++this.counter}`
    const who = identifier ?? source_id
    if (!this.people.has(who)) {
      this.people.set(who, { id: `cont_${who}`, name: "", external_id: identifier ?? null, custom_attributes: {} })
    }
    Object.assign(this.people.get(who), body.attributes)
    const token = `dxs_${++this.counter}`
    this.tokens.set(token, who)
    return json(
      {
        object: "session",
        token,
        expires_at: new Date(Date.now() + 3_600_000).toISOString(),
        source_id,
        pubsub_token: "pub_" + who,
        cable_url: "ws://chat.test/cable",
        livemode: true,
        user: { ...this.people.get(who) },
        inbox: {
          id: "inb_1",
          name: "Help",
          agents_online: 1,
          limits: { file_bytes: 1000, files: 2, text_characters: 100 },
        },
        unread_count: this.unread(),
        ignored: [],
        position: String(this.changed.length),
      },
      201,
    )
  }

  private unread() {
    return [...this.conversations.values()].reduce((sum, { unread_count }) => sum + unread_count, 0)
  }

  private begin(message: any) {
    const had = this.messages.find(({ client_message_id }) => client_message_id == message.client_message_id)
    if (had) return json({ ...this.conversations.get(had.conversation_id), messages: [had] })
    const id = this.addConversation()
    const first = this.addMessage(id, { ...message, direction: "inbound" })
    return json({ ...this.conversations.get(id), messages: [first] }, 201)
  }

  private take(id: string, body: any) {
    const had = this.messages.find(({ client_message_id }) => client_message_id == body.client_message_id)
    if (had) return json(had)
    return json(this.addMessage(id, { ...body, direction: "inbound" }), 201)
  }

  private changesSince(since: number) {
    if (since < this.goneBefore) return failure(410, "position_gone")
    const ids = new Set(this.changed.slice(since).map(({ id }) => id))
    return json({
      conversations: [...this.conversations.values()].filter(({ id }) => ids.has(id)),
      messages: this.messages.filter(({ id }) => ids.has(id)),
      position: String(this.changed.length),
      has_more: false,
    })
  }

  now() {
    return new Date(Date.UTC(2026, 0, 1) + ++this.counter * 1000).toISOString().replace("Z", "000Z")
  }

  addConversation(change: Partial<ConversationSummary> = {}): string {
    const id = `conv_${++this.counter}`
    const at = this.now()
    this.conversations.set(id, {
      id,
      status: "open",
      subject: "",
      unread_count: 0,
      last_message: null,
      assignee: null,
      agents_seen_at: null,
      seen_at: null,
      created_at: at,
      updated_at: at,
      ...change,
    })
    this.changed.push({ id, at: 0 })
    return id
  }

  change(id: string, change: Partial<ConversationSummary>) {
    this.conversations.set(id, { ...this.conversations.get(id)!, ...change, updated_at: this.now() })
    this.changed.push({ id, at: 0 })
  }

  /** Somebody has said something; the sockets hear of it. */
  addMessage(conversation: string, change: any = {}): Message {
    const at = this.now()
    const message = {
      id: `msg_${++this.counter}`,
      conversation_id: conversation,
      direction: "outbound",
      author: { type: "agent", id: "usr_1", name: "Ada", avatar_url: "" },
      text: "",
      attachments: [],
      status: "received",
      failure: null,
      client_message_id: null,
      created_at: at,
      updated_at: at,
      ...change,
    } as Message
    this.messages.push(message)
    const { unread_count } = this.conversations.get(conversation)!
    const { id, text, created_at, author } = message
    this.change(conversation, {
      last_message: { id, text, created_at, author },
      unread_count: unread_count + Number(message.direction == "outbound"),
    })
    this.changed.push({ id, at: 0 })
    this.tell("message.created", { message, conversation: this.conversations.get(conversation) })
    return message
  }

  editMessage(id: string, change: Partial<Message>) {
    const at = this.messages.findIndex((message) => message.id == id)
    const message = { ...this.messages[at]!, ...change, updated_at: this.now() }
    this.messages[at] = message
    this.changed.push({ id, at: 0 })
    this.tell("message.updated", { message, conversation: this.conversations.get(message.conversation_id) })
  }

  /** A frame for every socket that stands. */
  tell(event: string, data: any) {
    const frame = { message: { event, id: null, data }, stream_id: "s", epoch: "e", offset: ++this.offset }
    this.frames.push(frame)
    this.sockets.forEach((socket) => socket.isSubscribed && socket.hear({ identifier: socket.identifier, ...frame }))
  }

  since(offset: number) {
    return this.frames.filter((frame) => frame.offset > offset)
  }

  get open() {
    return this.sockets.filter(({ readyState }) => readyState == 1)
  }
}

export class ScriptedSocket {
  static server: ScriptedServer
  readyState = 0
  isSubscribed = false
  identifier = ""
  /** A cable that was cut: nothing comes, and nothing says so. */
  isDeaf = false
  onmessage: ((event: { data: string }) => void) | null = null
  onclose: (() => void) | null = null
  said: any[] = []
  private pings?: ReturnType<typeof setInterval>

  constructor(
    readonly url: string,
    readonly protocols: string[],
  ) {
    const { server } = ScriptedSocket
    server.sockets.push(this)
    setTimeout(() => {
      if (this.readyState == 3) return
      if (server.isDown || !server.socketsWork) return this.fall()
      this.readyState = 1
      this.hear({ type: "welcome", sid: "sid_" + server.sockets.length })
      this.pings = setInterval(() => this.hear({ type: "ping", message: 1 }), PINGS)
    }, 5)
  }

  hear(frame: any) {
    if (this.readyState == 1 && !this.isDeaf) this.onmessage?.({ data: JSON.stringify(frame) })
  }

  send(text: string) {
    const { server } = ScriptedSocket
    const { command, identifier, history } = JSON.parse(text)
    this.said.push(JSON.parse(text))
    this.identifier = identifier
    this.isSubscribed = true
    if (command == "subscribe") this.hear({ identifier, type: "confirm_subscription" })
    if (!history) return
    if (server.keepsHistory) {
      server.since(history.streams.s?.offset ?? server.offset).forEach((frame) => this.hear({ identifier, ...frame }))
    }
    this.hear({ identifier, type: server.keepsHistory ? "confirm_history" : "reject_history" })
  }

  /** The connection is over, and both sides know. */
  fall() {
    this.close()
    this.onclose?.()
  }

  close() {
    this.readyState = 3
    clearInterval(this.pings)
  }
}

/** As much of a Response as the client looks at; the environment's own needs timers that tests have stopped. */
export function json(body: unknown, status = 200, headers: Record<string, string> = {}): Response {
  const text = status == 204 ? "" : JSON.stringify(body)
  return { status, text: async () => text, headers: new Headers(headers) } as Response
}

export function failure(status: number, code: string, headers: Record<string, string> = {}): Response {
  return json(
    { error: { code, message: `The server says ${code}.`, param: null, request_id: "req_1" } },
    status,
    headers,
  )
}

/** An upload that gets as far as a test lets it. */
export class ScriptedUpload {
  static all: ScriptedUpload[] = []
  upload: { onprogress?: (event: any) => void } = {}
  onload?: () => void
  onerror?: () => void
  onabort?: () => void
  status = 0
  responseText = ""
  token = ""
  isAborted = false
  open() {}
  setRequestHeader(_name: string, value: string) {
    this.token = value.slice(7)
  }
  getResponseHeader = () => null
  send() {
    ScriptedUpload.all.push(this)
    if (ScriptedSocket.server.isDown) setTimeout(() => this.onerror?.(), 1)
  }
  abort() {
    if (this.status) return
    this.isAborted = true
    this.onabort?.()
  }
  reach(share: number) {
    this.upload.onprogress?.({ lengthComputable: true, loaded: share, total: 1 })
  }
  finish(status: number, body: unknown) {
    this.status = status
    this.responseText = JSON.stringify(body)
    this.onload?.()
  }
}

export function jwt(sub: string): string {
  return `head.${btoa(JSON.stringify({ sub }))}.tail`
}

function subject(token: string): string {
  return JSON.parse(atob(token.split(".")[1]!)).sub
}

/** Put a server at the other end of this page's network. */
export function serve(): ScriptedServer {
  const server = new ScriptedServer()
  ScriptedSocket.server = server
  vi.stubGlobal("fetch", server.fetch)
  vi.stubGlobal("WebSocket", ScriptedSocket)
  vi.stubGlobal("XMLHttpRequest", ScriptedUpload)
  ScriptedUpload.all = []
  return server
}
