/** What was begun and not sent, by conversation: a panel that closes loses nothing. */

import type { ConversationHandle } from "../types"

export interface Writing {
  text: string
  files: readonly File[]
}

export const NOTHING: Writing = { text: "", files: [] }

const begun = new WeakMap<ConversationHandle, Writing>()

export function writingOf(conversation: ConversationHandle): Writing {
  return begun.get(conversation) ?? NOTHING
}

export function keepWriting(conversation: ConversationHandle, writing: Writing): void {
  begun.set(conversation, writing)
}
