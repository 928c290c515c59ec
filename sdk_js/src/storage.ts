/** What outlives a page: the browser's storage where it works, memory where it does not. */

import type { Options } from "./types"

export interface Vault {
  /** What was written; null when there is nothing, or nothing that can be read. */
  read(key: string): any
  /** null removes. */
  write(key: string, value: unknown): void
}

/** `complain` is called once, however often storage refuses. */
export function createVault(chosen: Options["storage"], complain: (cause: unknown) => void): Vault {
  const memory = new Map<string, unknown>()
  let hasComplained = false

  function attempt<Value>(act: (storage: NonNullable<Options["storage"]>) => Value): Value | undefined {
    try {
      // A browser that has switched it off may answer null: then acting fails, and is told.
      return chosen === null ? undefined : act(chosen ?? globalThis.localStorage)
    } catch (cause) {
      if (!hasComplained) complain(cause)
      hasComplained = true
    }
  }

  return {
    read(key) {
      return memory.has(key)
        ? memory.get(key)
        : (attempt((storage) => JSON.parse(storage.getItem(key) ?? "null")) ?? null)
    },
    write(key, value) {
      // First to memory: what storage refuses is then at least known to this page.
      memory.set(key, value)
      attempt((storage) => {
        if (value == null) storage.removeItem(key)
        else storage.setItem(key, JSON.stringify(value))
        memory.delete(key)
      })
    },
  }
}
