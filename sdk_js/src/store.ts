/** A value and who watches it; and who wants to be told what happened. */

import type { Events, Store } from "./types"

export interface WritableStore<Value> extends Store<Value> {
  /** Change some fields; watchers hear of it only when one is different. */
  set(change: Partial<Value>): void
}

/** Run what a page has given; its mistakes are its own and stop nothing here. */
function guarded<Args extends unknown[]>(tell: (...args: Args) => void, ...args: Args): void {
  try {
    tell(...args)
  } catch (error) {
    console.error(error)
  }
}

export function createStore<Value extends object>(initial: Value): WritableStore<Value> {
  let value = initial
  const watchers = new Set<() => void>()
  return {
    get: () => value,
    set(change) {
      const isNew = (Object.keys(change) as (keyof Value)[]).some((key) => change[key] !== value[key])
      if (!isNew) return
      value = { ...value, ...change }
      ;[...watchers].forEach((watch) => guarded(watch))
    },
    subscribe(watch) {
      watchers.add(watch)
      return () => void watchers.delete(watch)
    },
  }
}

export interface Emitter {
  on<Name extends keyof Events>(name: Name, tell: (event: Events[Name]) => void): () => void
  emit<Name extends keyof Events>(name: Name, event: Events[Name]): void
}

export function createEmitter(): Emitter {
  const listeners = new Map<string, Set<(event: any) => void>>()
  return {
    on(name, tell) {
      const those = listeners.get(name) ?? new Set()
      listeners.set(name, those.add(tell))
      return () => void those.delete(tell)
    },
    emit(name, event) {
      ;[...(listeners.get(name) ?? [])].forEach((tell) => guarded(tell, event))
    },
  }
}
