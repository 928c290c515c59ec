/** What happened while nobody listened, fetched from a position on. */

import type { DexraError } from "./errors"
import type { Session } from "./session"
import type { ConversationSummary, Message } from "./types"

interface Answer {
  conversations: ConversationSummary[]
  messages: Message[]
  position: string
  has_more: boolean
}

export interface Changes {
  startAt(position: string): void
  /** Callers at the same time share what is fetched. Throws DexraError. */
  catchUp(): Promise<void>
}

/** `reload` fetches what is on the screen anew, with so many unread. */
export function createChanges(
  session: Session,
  hear: (changes: Answer) => void,
  reload: (unread: number) => Promise<void>,
): Changes {
  let position = ""
  let fetching: Promise<void> | undefined

  async function fetchAll() {
    try {
      for (let hasMore = true; hasMore;) {
        const answer = await session.call<Answer>("GET", "/changes?since=" + encodeURIComponent(position))
        hear(answer)
        position = answer.position
        hasMore = answer.has_more
      }
    } catch (error) {
      if ((error as DexraError).status != 410) throw error
      // Away for too long to be told everything.
      const opened = await session.open()
      position = opened.position
      await reload(opened.unread_count)
    }
  }

  return {
    startAt: (start) => void (position = start),
    catchUp: () => (fetching ??= fetchAll().finally(() => (fetching = undefined))),
  }
}
