/** What the page says of its user, told to the server as seldom as possible. */

import type { Ignored } from "./session"
import { sleep } from "./timing"
import type { Attributes, User } from "./types"

const TOGETHER = 250

export interface Profile {
  update(attributes: Attributes): Promise<User>
  /** Say once in the console why something was not taken. */
  warn(ignored: Ignored[]): void
  forget(): void
}

const isBlank = (value: unknown) => value == null || value === ""
const isEqual = (one: unknown, other: unknown) => JSON.stringify(one) == JSON.stringify(other)

/** What of `said` the server does not know yet; blank values say nothing. */
function news(said: Record<string, unknown>, known: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(said).filter(([name, value]) => !isBlank(value) && !isEqual(value, known[name])),
  )
}

/** `ready` resolves with the user as the server knows them; `save` tells it and resolves with its answer. */
export function createProfile(
  ready: () => Promise<User>,
  save: (attributes: Attributes) => Promise<User & { ignored: Ignored[] }>,
): Profile {
  let waiting: Attributes = {}
  let saving: Promise<User> | undefined
  /** What was not taken is not said again until it is something else. */
  let refused = ""
  const warned = new Set<string>()

  function warn(ignored: Ignored[] = []) {
    for (const { field, reason } of ignored) {
      if (warned.has(field + reason)) continue
      warned.add(field + reason)
      const why = reason == "taken" ? "it is somebody's who has proved it; a signed identity would" : reason
      console.warn(`[dexra] ${field} was not taken: ${why}`)
    }
  }

  async function flush(): Promise<User> {
    await ready()
    await sleep(TOGETHER)
    const { custom_attributes, ...said } = waiting
    waiting = {}
    saving = undefined
    const user = await ready()
    const change: Attributes = news(said, user as any)
    const custom = news(custom_attributes ?? {}, user.custom_attributes)
    if (Object.keys(custom).length) change.custom_attributes = custom
    const text = JSON.stringify(change)
    if (text == "{}" || text == refused) return user
    const { ignored, ...answer } = await save(change)
    warn(ignored)
    if (ignored?.length) refused = text
    return answer
  }

  return {
    update(attributes) {
      waiting = {
        ...waiting,
        ...attributes,
        custom_attributes: { ...waiting.custom_attributes, ...attributes.custom_attributes },
      }
      saving ??= flush().catch((error) => {
        saving = undefined
        throw error
      })
      return saving
    },
    warn,
    forget() {
      waiting = {}
      refused = ""
    },
  }
}
