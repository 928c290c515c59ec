/** `SBUser`: the person who uses the page, as their own app knows them. */

import type { ConversationSummary, DexraClientHandle, User } from "../types"
import { SBConversation } from "./records"
import { attributesOf, detailsOf, plain, readBothWays, type Values } from "./values"
import { warnOnce } from "./warnings"

type Told<Value> = (value: Value) => void

/**
 * `update()` pushes what the page knows and resolves with what the server made of it; nothing in a page can make
 * somebody staff, for `user_type` is a label.
 */
export abstract class SBUser {
  details: Values
  extra: Values
  conversations: SBConversation[] = []

  constructor(settings: Values = {}, extra: Values = {}) {
    this.details = { ...settings }
    this.extra = { ...extra }
  }

  get id(): string {
    return this.client.state.get().user?.id ?? ""
  }

  /** Chosen by the server: `user` once somebody has signed for them. */
  get type(): "visitor" | "lead" | "user" {
    const { user } = this.client.state.get()
    return user?.verified ? "user" : this.details.email || user?.email ? "lead" : "visitor"
  }

  get name(): string {
    return [this.get("first_name"), this.get("last_name")].filter(Boolean).join(" ")
  }

  get nameBeautified(): string {
    return this.name || "Visitor"
  }

  get image(): string {
    return this.get("profile_image")
  }

  get(name: string): string {
    return String(plain(this.details[name]) ?? "")
  }

  getExtra(name: string): string {
    return readBothWays(plain(this.extra[name]))
  }

  set(name: string, value: unknown): void {
    this.details[name] = value
  }

  setExtra(name: string, value: unknown): void {
    this.extra[name] = value
  }

  language(): string {
    return String(plain(this.extra.language) ?? this.client.state.get().user?.language ?? "")
  }

  isExtraEmpty(): boolean {
    return Object.keys(this.extra).length == 0
  }

  isConversationsEmpty(): boolean {
    return this.conversations.length == 0
  }

  /** Who does not look at the promise, as the snippet does not, is told by `SBError` and the console alone. */
  update(callback?: Told<this>): Promise<this> {
    const saved = this.client.update(attributesOf(this.details, this.extra)).then((user) => {
      this.take(user)
      callback?.(this)
      return this
    })
    saved.catch(() => {})
    return saved
  }

  /** Take over what the server says. */
  take(user: User): this {
    const { details, extra } = detailsOf(user)
    this.details = { ...this.details, ...details }
    this.extra = { ...this.extra, ...extra }
    return this
  }

  async getConversations(callback?: Told<SBConversation[]>, exclude?: string): Promise<SBConversation[]> {
    await this.client.loadConversations()
    this.conversations = this.client.state
      .get()
      .conversations.filter(({ id }) => id != exclude)
      .map(withLastMessage)
    callback?.(this.conversations)
    return this.conversations
  }

  async getFullConversation(id: string, callback?: Told<SBConversation>): Promise<SBConversation> {
    const conversation = this.client.conversation(id)
    await conversation.load()
    const { summary, messages } = conversation.state.get()
    const full = SBConversation.from(summary, messages)
    callback?.(full)
    return full
  }

  getConversationByID(id: string, index = false): SBConversation | number | false {
    const at = this.conversations.findIndex((conversation) => conversation.id == id)
    return index ? at : (this.conversations[at] ?? false)
  }

  getLastConversation(): SBConversation | false {
    return this.conversations[0] ?? false
  }

  addConversation(conversation: SBConversation): boolean {
    const isNew = !this.conversations.some(({ id }) => id == conversation.id)
    if (isNew) this.conversations.unshift(conversation)
    return isNew
  }

  removeConversation(id: string): boolean {
    const { length } = this.conversations
    this.conversations = this.conversations.filter((conversation) => conversation.id != id)
    return this.conversations.length < length
  }

  delete(callback?: Told<false>): false {
    warnOnce("SBUser.delete()", "Only your server may erase a person: DELETE /v1/users/{id}.")
    callback?.(false)
    return false
  }

  /** Not of the object itself: a page may print what it holds. */
  protected abstract get client(): DexraClientHandle
}

/** What a page calls with `new`. */
export type SBUserClass = new (settings?: Values, extra?: Values) => SBUser

/** Return the class for one client. */
export function createSBUser(client: DexraClientHandle): SBUserClass {
  return class extends SBUser {
    protected get client() {
      return client
    }
  }
}

function withLastMessage(summary: ConversationSummary): SBConversation {
  const conversation = SBConversation.from(summary, [])
  const last = summary.last_message
  if (last) conversation.addMessages({ id: last.id, message: last.text, conversation_id: summary.id })
  return conversation
}
