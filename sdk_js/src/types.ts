/** Every word the client speaks: what the server says, what a page may ask, what watchers are told. */

/** Who is using the page. A token is a JWT your server signs with the inbox's HMAC token; a function is asked again when it expires. */
export type Identity =
  { token: string | (() => string | Promise<string>) } | { identifier: string; identifierHash: string }

/** What a page says of its user. Signed claims of the identity beat these; `user_type` is a label and never a role. */
export interface Attributes {
  name?: string
  first_name?: string
  last_name?: string
  email?: string
  phone_number?: string
  avatar_url?: string
  user_type?: string
  language?: string
  country?: string
  city?: string
  custom_attributes?: Record<string, unknown>
}

export interface User extends Required<Omit<Attributes, "email" | "phone_number">> {
  id: string
  external_id: string | null
  email: string | null
  phone_number: string | null
  verified: boolean
}

export interface InboxInfo {
  id: string
  name: string
  /** Whether somebody is expected to answer now, by the inbox's working hours. */
  is_open: boolean
  /** Agents who are there now. */
  agents_online: number
  greeting: string
  identity_required: boolean
  /** The inbox's setting: `accent`, `theme`, `position` and `locale` are drawn by the script; the rest is yours. */
  appearance: Record<string, unknown>
  limits: { file_bytes: number; files: number; text_characters: number }
}

export type MessageStatus =
  | /* on their way from this device */ "queued"
  | "sending"
  | "failed"
  /* what the server says */
  | "received"
  | "scheduled"
  | "sent"
  | "delivered"
  | "read"
  | "canceled"
  | "unknown"

export interface Author {
  type: "user" | "agent" | "ai" | "api" | "system"
  id: string | null
  name: string
  avatar_url: string
}

export interface Attachment {
  id: string
  type: "image" | "video" | "audio" | "file" | "location" | "contact"
  /** Where it is; while it is being uploaded, an object URL of this page. */
  url: string
  filename: string
  content_type: string
  size: number
  details: Record<string, unknown>
  /** 0 to 1 while it is being uploaded. */
  progress?: number
}

export interface Failure {
  code: string
  message: string
}

export interface Message {
  /** `msg_…`, or `local_…` until the server has it. */
  id: string
  conversation_id: string
  direction: "inbound" | "outbound"
  author: Author
  message_type: "text" | "media" | "button" | "template"
  text: string
  /** `text`, `input_select`, `cards`, `form`, `article`, `input_csat`, `input_email` …: how `content_attributes` is to be drawn. */
  content_type: string
  content_attributes: Record<string, any>
  attachments: readonly Attachment[]
  status: MessageStatus
  failure: Failure | null
  client_message_id: string | null
  edited_at: string | null
  deleted_at: string | null
  created_at: string
  updated_at: string
}

export type ConversationStatus = "open" | "pending" | "snoozed" | "closed"

export interface ConversationSummary {
  id: string
  status: ConversationStatus
  subject: string
  /** Messages to this person that they have not seen. */
  unread_count: number
  last_message: { id: string; text: string; created_at: string; author: Author } | null
  assignee: { id: string; name: string; avatar_url: string } | null
  /** When an agent last looked: what was said before it has been seen. */
  agents_seen_at: string | null
  seen_at: string | null
  created_at: string
  updated_at: string
}

export type AiProgress = "idle" | "thinking" | "searching" | "writing" | "handed_off"

/** Everything there is to draw of one conversation. */
export interface ConversationState {
  /** null until its first message has reached the server. */
  summary: ConversationSummary | null
  /** Oldest first, each once; what this person has sent and the server has not seen yet is at the end. */
  messages: readonly Message[]
  isLoading: boolean
  hasOlder: boolean
  /** Who is writing now; never this person. */
  typing: readonly Author[]
  ai: { state: AiProgress; text: string }
  error: Failure | null
}

export type Connection =
  | "idle" /* not started */
  | "connecting"
  | "online" /* the socket stands, here or in another tab */
  | "polling" /* the socket cannot be had; asking now and then */
  | "offline" /* nothing gets through; what is sent waits in the outbox */
  | "stopped" /* something has to be done first: `error` says what */

export interface ClientState {
  connection: Connection
  user: User | null
  inbox: InboxInfo | null
  livemode: boolean
  conversations: readonly ConversationSummary[]
  hasMoreConversations: boolean
  unread: number
  /** Messages that wait to be sent. */
  waiting: number
  error: Failure | null
}

export interface Draft {
  text?: string
  files?: readonly File[]
}

/** What happened, for those who do not want to watch state. */
export interface Events {
  ready: { user: User; inbox: InboxInfo }
  connection: Connection
  message: Message
  message_sent: Message
  message_failed: Message
  message_updated: Message
  conversation_created: ConversationSummary
  conversation_updated: ConversationSummary
  typing: { conversation_id: string; author: Author; is_typing: boolean }
  ai_state: { conversation_id: string; state: AiProgress; text: string }
  unread: number
  user: User
  reset: null
  error: Failure & { cause?: unknown }
}

export interface Options {
  /** The server, for example `https://chat.example.com`. Left out: where this page comes from. */
  baseUrl?: string
  /** The inbox's identifier; or a publishable key of an environment with one web inbox. */
  inbox?: string
  publishableKey?: string
  identity?: Identity | null
  attributes?: Attributes
  locale?: string
  /** `auto`: a socket, and polling where a socket cannot be had. */
  transport?: "auto" | "polling"
  /** Where drafts and the session are kept; null keeps them in memory. */
  storage?: Pick<Storage, "getItem" | "setItem" | "removeItem"> | null
}

/** A value and who watches it. */
export interface Store<Value> {
  get(): Value
  subscribe(watch: () => void): () => void
}

/** The machine behind one conversation; a component draws its state. */
export interface ConversationHandle {
  readonly state: Store<ConversationState>
  /** Bring it up to date; the first call loads the latest page. */
  load(): Promise<void>
  loadOlder(): Promise<void>
  /** Shown at once, kept until the server has it. Returns the message as it was queued. Throws DexraError for what can never be sent. */
  send(draft: Draft): Message
  retry(messageId: string): void
  discard(messageId: string): void
  typing(isTyping: boolean): void
  markRead(): Promise<void>
  close(): Promise<void>
  /** Answer a form, a button or a survey of a message. */
  submit(messageId: string, values: unknown): Promise<Message>
}

export interface DexraClientHandle {
  readonly state: Store<ClientState>
  /** Open the session and listen. Safe to call again. */
  start(): Promise<void>
  /** Resolves with the first session; rejects when there cannot be one. */
  ready(): Promise<void>
  /** Leave no socket, timer or listener; state stays. */
  stop(): void
  identify(identity: Identity, attributes?: Attributes): Promise<User>
  /** Say more of the user. Calls within 250 ms are one request; what the server knows already is not sent. */
  update(attributes: Attributes): Promise<User>
  /** Forget who this was: for signing out. */
  reset(): Promise<void>
  loadConversations(): Promise<void>
  conversation(id: string): ConversationHandle
  /** The conversation to show first: the latest that is not closed, or a new one. */
  current(): ConversationHandle
  newConversation(): ConversationHandle
  on<Name extends keyof Events>(name: Name, tell: (event: Events[Name]) => void): () => void
}
