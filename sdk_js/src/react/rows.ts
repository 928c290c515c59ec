/** Messages as rows: where a day begins, where the new ones begin, which belong together. */

import type { ConversationSummary, Message } from "../types"
import { isSameDay } from "./format"

const TOGETHER = 5 * 60_000

export interface Row {
  message: Message
  isFirst: boolean
  isLast: boolean
  isSeen: boolean
  /** This day begins here. */
  day: string | null
  /** What was not seen when the conversation was opened begins here. */
  isNew: boolean
}

export function rowsOf(
  messages: readonly Message[],
  summary: ConversationSummary | null,
  unseenSince: string | null,
): Row[] {
  const firstNew = unseenSince == null ? undefined : messages.find((each) => isUnseen(each, unseenSince))
  const seenAt = Date.parse(summary?.agents_seen_at ?? "")
  return messages.map((message, index) => {
    const isNew = message == firstNew
    const before = messages[index - 1]
    const after = messages[index + 1]
    return {
      message,
      isNew,
      isFirst: isNew || !isTogether(before, message),
      isLast: after == firstNew || !isTogether(message, after),
      isSeen: Date.parse(message.created_at) <= seenAt,
      day: before && isSameDay(before.created_at, message.created_at) ? null : message.created_at,
    }
  })
}

/** The inbox greets once: what was on screen before the first word stays above it, although it is sent in answer to it. */
export function greetedFirst(messages: readonly Message[], greeting?: string): readonly Message[] {
  const [first, second, ...others] = messages
  return second?.author.type == "system" && second.text == greeting ? [second, first!, ...others] : messages
}

function isUnseen(message: Message, since: string): boolean {
  return message.direction == "outbound" && Date.parse(message.created_at) > (Date.parse(since) || 0)
}

function isTogether(a: Message | undefined, b: Message | undefined): boolean {
  return (
    a != null &&
    b != null &&
    a.direction == b.direction &&
    // What waits or failed says so itself.
    (a.direction == "outbound" || a.status == b.status) &&
    a.author.id == b.author.id &&
    a.author.type == b.author.type &&
    isSameDay(a.created_at, b.created_at) &&
    Date.parse(b.created_at) - Date.parse(a.created_at) < TOGETHER
  )
}
