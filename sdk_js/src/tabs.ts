/** The tabs of one session: one of them leads and holds the socket, all hear what it hears. */

export interface Tabs {
  tell(message: unknown): void
  leave(): void
}

const locks = () => globalThis.navigator?.locks as LockManager | undefined

/** Run alone among the tabs, where the browser can see to that. */
export async function exclusively<Value>(name: string, act: () => Promise<Value>): Promise<Value> {
  let isIn = false
  const enter = () => ((isIn = true), act())
  try {
    return await (locks()?.request(name, enter) ?? enter())
  } catch (error) {
    if (isIn) throw error
    return act() // a sandboxed frame has locks, and may not use them
  }
}

/**
 * Hold `name` from when it is free until the returned function is called; `onHeld` hears when that is.
 * Where there are no locks everybody holds everything at once.
 */
export function hold(name: string, onHeld: () => void): () => void {
  const manager = locks()
  if (!manager) {
    onHeld()
    return () => {}
  }
  let release = () => {}
  const controller = new AbortController()
  manager
    .request(name, { signal: controller.signal }, () => {
      if (controller.signal.aborted) return
      const held = new Promise<void>((resolve) => (release = resolve))
      onHeld()
      return held
    })
    .catch(() => controller.signal.aborted || onHeld())
  return () => {
    controller.abort()
    release()
  }
}

/** A browser that keeps nothing for a page may have channels and give it none. */
function openChannel(name: string): BroadcastChannel | undefined {
  try {
    return new BroadcastChannel(name)
  } catch {
    return undefined
  }
}

export function joinTabs(name: string, onLead: () => void, onMessage: (message: any) => void): Tabs {
  const channel = openChannel(name)
  if (channel) channel.onmessage = (event) => onMessage(event.data)
  // Without a channel nobody could pass frames on: each tab leads itself.
  const leave = channel ? hold(name, onLead) : (onLead(), () => {})
  return {
    tell: (message) => channel?.postMessage(message),
    leave() {
      leave()
      channel?.close()
    },
  }
}
