/** `SBMessage` and `SBConversation`: views of what we have, in the old words. */

import type { ConversationSummary, Message } from "../types"
import { messageDetails, statusCode, time, type Values } from "./values"

export class SBMessage {
  readonly details: Values

  constructor(details: Values = {}) {
    this.details = { ...details }
  }

  static from(message: Message): SBMessage {
    return new SBMessage(messageDetails(message))
  }

  get id(): string {
    return this.get("id") as string
  }

  get message(): string {
    return this.get("message") as string
  }

  get attachments(): [string, string][] {
    return (this.details.attachments as [string, string][]) ?? []
  }

  get(name: string): unknown {
    return this.details[name] ?? ""
  }

  set(name: string, value: unknown): void {
    this.details[name] = value
  }

  payload(name?: string, value?: unknown): unknown {
    const payload = (this.details.payload ??= {}) as Values
    if (name === undefined) return payload
    if (value !== undefined) payload[name] = value
    return payload[name] ?? false
  }

  /** The text alone, without markup. */
  strip(message: string = this.message): string {
    return message.replace(/[*_~`]+/g, "")
  }
}

type Whose = boolean | "bot" | "no-bot" | "all"

export class SBConversation {
  messages: SBMessage[]
  readonly details: Values

  constructor(messages: readonly (SBMessage | Values)[] = [], details: Values = {}) {
    this.messages = messages.map(asMessage)
    this.details = { ...details }
  }

  static from(summary: ConversationSummary | null, messages: readonly Message[]): SBConversation {
    const { last_message, assignee } = summary ?? {}
    return new SBConversation(messages.map(SBMessage.from), {
      id: summary?.id ?? "",
      title: summary?.subject ?? "",
      conversation_status_code: summary ? statusCode(summary.status) : 0,
      conversation_time: summary ? time(summary.created_at) : "",
      agent_id: assignee?.id ?? "",
      last_message: last_message?.text ?? "",
    })
  }

  get id(): string {
    return this.get("id") as string
  }

  get(name: string): unknown {
    return name == "id" || name in this.details ? (this.details[name] ?? "") : ""
  }

  set(name: string, value: unknown): void {
    this.details[name] = value
  }

  getMessage(id: string): SBMessage | false {
    return this.messages.find((message) => message.id == id) ?? false
  }

  getLastMessage(): SBMessage | false {
    return this.messages[this.messages.length - 1] ?? false
  }

  getLastUserMessage(index = this.messages.length - 1, agent: Whose = false): SBMessage | false {
    const those = this.messages.slice(0, index + 1).filter((message) => isBy(message, agent))
    return those[those.length - 1] ?? false
  }

  getUserMessages(by: "user" | "agents" | "bot" = "user"): SBMessage[] {
    const whose: Whose = by == "user" ? false : by == "bot" ? "bot" : "no-bot"
    return this.messages.filter((message) => isBy(message, whose))
  }

  addMessages(given: SBMessage | Values | readonly (SBMessage | Values)[]): this {
    this.messages = [...this.messages, ...[given].flat().map((one) => asMessage(one as SBMessage))]
    return this
  }

  updateMessage(id: string, message: SBMessage): boolean {
    const at = this.messages.findIndex((one) => one.id == id)
    if (at >= 0) this.messages[at] = message
    return at >= 0
  }

  deleteMessage(id: string): boolean {
    const { length } = this.messages
    this.messages = this.messages.filter((message) => message.id != id)
    return this.messages.length < length
  }

  searchMessages(text: string, exact = false): SBMessage[] {
    const sought = text.toLowerCase()
    return this.messages.filter(({ message }) => {
      const said = message.toLowerCase()
      return exact ? said == sought : said.includes(sought)
    })
  }

  getAttachments(): [name: string, link: string, extension: string, messageId: string][] {
    return this.messages.flatMap((message) =>
      message.attachments.map(([name, link]): [string, string, string, string] => {
        return [name, link, name.split(".").pop() ?? "", message.id]
      }),
    )
  }
}

function asMessage(given: SBMessage | Values): SBMessage {
  return given instanceof SBMessage ? given : new SBMessage(given)
}

function isBy(message: SBMessage, whose: Whose): boolean {
  const type = message.get("user_type")
  if (whose == "all") return true
  if (whose == "bot") return type == "bot"
  if (whose == "no-bot") return type == "agent"
  return whose ? type != "user" : type == "user"
}
