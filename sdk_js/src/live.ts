/** How what happens gets here: by a socket of this tab, by that of another, or by asking now and then. */

import type { DexraError } from "./errors"
import type { Session } from "./session"
import { openSocket } from "./socket"
import type { Place } from "./socket"
import { joinTabs } from "./tabs"
import type { Tabs } from "./tabs"
import { backoff } from "./timing"
import type { Connection } from "./types"

const POLL_VISIBLE = 4_000
const POLL_HIDDEN = 20_000
/** How often a socket is tried where it could not be had. */
const SOCKET_AGAIN = 60_000
/** So many attempts in a row without success, and it is asked for instead. */
const GIVE_UP = 2
/** A leader that says nothing for so long is not waited for. */
const LEADER_SILENCE = 15_000
const LEADER_ANSWERS = 1_000

export interface LiveWatcher {
  onFrame(frame: any): void
  onConnection(connection: Connection): void
  /** Fetch what happened since the last time; throws DexraError. */
  catchUp(): Promise<void>
  /** Another tab has forgotten who this was. */
  onReset(): void
}

export interface Live {
  start(): void
  stop(): void
  /** The world may have changed for the better: try everything now. */
  wake(): void
  tellReset(): void
}

export function createLive(session: Session, mayUseSocket: boolean, watcher: LiveWatcher): Live {
  let isRunning = false
  let isLeader = false
  let isOnline = false
  let tabs: Tabs | undefined
  let closeSocket: (() => void) | undefined
  let place: Place
  let socketFailures = 0
  let pollFailures = 0
  let isPolling = false
  let isAsking = false
  const timers: Record<string, ReturnType<typeof setTimeout> | undefined> = {}

  function after(name: "socket" | "poll" | "leader", wait: number, act: () => void) {
    clearTimeout(timers[name])
    timers[name] = setTimeout(act, wait)
  }

  function stood() {
    isOnline = true
    isPolling = false
    socketFailures = pollFailures = 0
    clearTimeout(timers.poll)
    watcher.onConnection("online")
  }

  function fell() {
    if (isOnline) watcher.onConnection("connecting")
    isOnline = false
  }

  /** What was missed; if it cannot be had now, polling will get it. */
  function catchUp() {
    watcher.catchUp().catch(() => isRunning && startPolling())
  }

  // As the leader

  const beat = () => tabs?.tell({ isOnline })

  function lead() {
    if (!isRunning) return
    isLeader = true
    clearTimeout(timers.leader)
    connect()
  }

  function connect() {
    clearTimeout(timers.socket)
    if (!isRunning || !isLeader || closeSocket) return
    const { cable_url, pubsub_token } = session.current()!
    closeSocket = openSocket(cable_url, pubsub_token, place, {
      onFrame(frame) {
        tabs?.tell({ frame })
        watcher.onFrame(frame)
      },
      onPing: beat,
      onReady(isWhole) {
        stood()
        beat()
        if (!isWhole) catchUp()
      },
      onGone: (needsSession) => void gone(needsSession),
    })
  }

  async function gone(needsSession: boolean) {
    closeSocket = undefined
    fell()
    beat()
    if (++socketFailures >= GIVE_UP) startPolling()
    after("socket", socketFailures < GIVE_UP ? backoff(socketFailures) : SOCKET_AGAIN, connect)
    if (needsSession) await session.open().catch(() => {})
  }

  // As a follower

  function hear({ frame, isOnline: isLeaderOnline, asks, isReset }: any) {
    if (isReset) return watcher.onReset()
    if (asks && isLeader) return void beat()
    if (isLeader) return
    if (frame) watcher.onFrame(frame)
    if (frame || isLeaderOnline) {
      if (!isOnline) {
        stood()
        catchUp()
      }
      waitForLeader(LEADER_SILENCE)
    } else if (isLeaderOnline === false && isOnline) {
      fell()
      waitForLeader(LEADER_ANSWERS)
    }
  }

  function waitForLeader(patience: number) {
    after("leader", patience, () => {
      fell()
      startPolling()
    })
  }

  // Asking

  function startPolling() {
    if (isPolling || isOnline) return
    isPolling = true
    void poll()
  }

  async function poll() {
    if (isAsking || !isRunning) return
    isAsking = true
    try {
      await watcher.catchUp()
      if (isRunning && !isOnline) watcher.onConnection("polling")
      if (pollFailures) {
        // The network is back, and with it perhaps the socket.
        pollFailures = socketFailures = 0
        connect()
      }
    } catch (error) {
      pollFailures++
      if (isRunning && !isOnline && (error as DexraError).isTransient) watcher.onConnection("offline")
    }
    isAsking = false
    if (isRunning && isPolling) after("poll", pollFailures ? backoff(pollFailures) : rhythm(), () => void poll())
  }

  const rhythm = () => (globalThis.document?.hidden ? POLL_HIDDEN : POLL_VISIBLE)

  return {
    start() {
      isRunning = true
      place = { sid: "", streams: {} }
      socketFailures = 0
      if (!mayUseSocket) return startPolling()
      tabs = joinTabs("dexra:" + session.current()!.source_id, lead, (message) => isRunning && hear(message))
      if (isLeader) return
      tabs.tell({ asks: true })
      waitForLeader(LEADER_ANSWERS)
    },
    stop() {
      isRunning = isLeader = isOnline = isPolling = false
      Object.values(timers).forEach(clearTimeout)
      closeSocket?.()
      closeSocket = undefined
      tabs?.leave()
      tabs = undefined
    },
    wake() {
      if (!isRunning) return
      if (globalThis.navigator?.onLine === false) {
        closeSocket?.()
        if (closeSocket) void gone(false)
        return watcher.onConnection("offline")
      }
      if (isOnline) return
      pollFailures = Math.min(pollFailures, 1)
      connect()
      if (isPolling) void poll()
    },
    tellReset: () => tabs?.tell({ isReset: true }),
  }
}
