/** A browser for tests: storage, locks and channels that several clients share as tabs do. */

import { afterEach, beforeEach, vi } from "vitest"
import { createDexra } from "../index"
import type { DexraClient } from "../index"
// What comes later than a page is here already: nothing of it is waited for while clocks stand still.
import "../live"
import "../uploads"
import type { Options } from "../types"
import { serve } from "./server"
import type { ScriptedServer } from "./server"

class MemoryStorage {
  items = new Map<string, string>()
  getItem = (key: string) => this.items.get(key) ?? null
  setItem = (key: string, value: string) => void this.items.set(key, value)
  removeItem = (key: string) => void this.items.delete(key)
}

class Locks {
  private queues = new Map<string, (() => void)[]>()

  async request(name: string, options: any, act = options) {
    const queue = this.queues.get(name) ?? []
    this.queues.set(name, queue)
    await new Promise<void>((resolve, reject) => {
      queue.push(resolve)
      if (queue.length == 1) resolve()
      options.signal?.addEventListener("abort", () => {
        const at = queue.indexOf(resolve)
        if (at > 0) {
          queue.splice(at, 1)
          reject(new DOMException("Aborted", "AbortError"))
        }
      })
    })
    try {
      return await act()
    } finally {
      queue.shift()
      queue[0]?.()
    }
  }
}

class Channel {
  static all: Channel[] = []
  onmessage: ((event: { data: any }) => void) | null = null
  constructor(readonly name: string) {
    Channel.all.push(this)
  }
  postMessage(data: any) {
    const copy = structuredClone(data)
    const others = Channel.all.filter((other) => other != this && other.name == this.name)
    queueMicrotask(() => others.forEach((other) => other.onmessage?.({ data: copy })))
  }
  close() {
    Channel.all = Channel.all.filter((other) => other != this)
  }
}

export interface World {
  server: ScriptedServer
  storage: MemoryStorage
  /** A client of this page; tabs of one browser share its storage. */
  open(options?: Partial<Options>): DexraClient
  /** A client that is there and listens. */
  start(options?: Partial<Options>): Promise<DexraClient>
  /** Everything that is called is listed here. */
  told: [name: string, event: any][]
  goOffline(): void
  goOnline(): void
}

export const pass = (milliseconds: number) => vi.advanceTimersByTimeAsync(milliseconds)

/** A fresh world before each test; `withTabs` gives it locks and channels. */
export function useWorld({ withTabs = false } = {}): World {
  const world = {} as World
  const clients: DexraClient[] = []
  let isOnline = true

  beforeEach(() => {
    vi.useFakeTimers({ now: Date.UTC(2026, 5, 1) })
    vi.spyOn(Math, "random").mockReturnValue(0.999)
    isOnline = true
    vi.spyOn(navigator, "onLine", "get").mockImplementation(() => isOnline)
    Object.defineProperty(navigator, "locks", { configurable: true, value: withTabs ? new Locks() : undefined })
    vi.stubGlobal("BroadcastChannel", withTabs ? Channel : undefined)
    Object.assign(world, { server: serve(), storage: new MemoryStorage(), told: [] })
  })
  afterEach(() => {
    clients.splice(0).forEach((client) => client.stop())
    Channel.all = []
    vi.unstubAllGlobals()
    vi.useRealTimers()
  })

  const network = (next: boolean) => {
    isOnline = next
    world.server.isDown = !next
    window.dispatchEvent(new Event(next ? "online" : "offline"))
  }
  return Object.assign(world, {
    open(options: Partial<Options> = {}) {
      const { storage } = world
      const client = createDexra({ baseUrl: "https://chat.test", inbox: "inbox1", storage, ...options })
      for (const name of [
        ...["ready", "connection", "message", "message_sent", "message_failed", "message_updated", "typing", "unread"],
        ...["conversation_created", "conversation_updated", "ai_state", "user", "reset", "error"],
      ] as const) {
        client.on(name as "user", (event) => world.told.push([name, event]))
      }
      clients.push(client)
      return client
    },
    async start(options: Partial<Options> = {}) {
      const client = world.open(options)
      void client.start()
      await pass(50)
      return client
    },
    goOffline: () => network(false),
    goOnline: () => network(true),
  })
}
