/** One connection to `/cable`, in AnyCable's extended dialect of Action Cable. */

const PROTOCOL = "actioncable-v1-ext-json"
/** To open, be welcomed, subscribed and told what was missed. */
const HANDSHAKE = 10_000
/** The server pings every 3 s; two that do not come are one too many. */
const SILENCE = 7_000

/** What a connection leaves to the next: with it, the next begins where this one ended. */
export interface Place {
  sid: string
  streams: Record<string, { epoch: string; offset: number }>
}

export interface SocketWatcher {
  /** A frame of ours: `{event, id, data}`. */
  onFrame(frame: any): void
  /** It stands. `isWhole`: nothing was missed since the last one. */
  onReady(isWhole: boolean): void
  onPing(): void
  /** It is over; `needsSession`: the server will not have us back as we are. */
  onGone(needsSession: boolean): void
}

/** Returns how to close it; then `watcher` hears no more. */
export function openSocket(url: string, pubsubToken: string, place: Place, watcher: SocketWatcher): () => void {
  const identifier = JSON.stringify({ channel: "RoomChannel", pubsub_token: pubsubToken })
  let isReady = false
  let asksHistory = false
  let socket: WebSocket | undefined
  let timer: ReturnType<typeof setTimeout>

  function watch(patience: number) {
    clearTimeout(timer)
    timer = setTimeout(end, patience)
  }
  function close() {
    clearTimeout(timer)
    if (!socket) return
    // A dead network keeps a closing socket for minutes: it is left behind at once.
    socket.onmessage = socket.onerror = socket.onclose = null
    socket.close()
    socket = undefined
  }
  function end(needsSession: unknown = false) {
    close()
    watcher.onGone(needsSession === true)
  }
  function say(command: string, history?: object) {
    socket?.send(JSON.stringify({ command, identifier, history }))
  }
  function ready(isWhole: boolean) {
    if (!isReady) watcher.onReady(isWhole)
    isReady = true
    watch(SILENCE)
  }

  const answers: Record<string, (frame: any) => void> = {
    welcome({ sid = "", restored, restored_ids }) {
      place.sid = sid
      const lives = restored && (!restored_ids || restored_ids.includes(identifier))
      const { streams } = place
      asksHistory = lives || Object.keys(streams).length > 0
      say(lives ? "history" : "subscribe", asksHistory ? { streams } : undefined)
    },
    ping: () => watcher.onPing(),
    confirm_subscription: () => asksHistory || ready(false),
    confirm_history: () => ready(true),
    reject_history() {
      place.streams = {}
      ready(false)
    },
    reject_subscription: () => end(true),
    disconnect({ reconnect }) {
      place.sid = ""
      end(reconnect === false)
    },
  }

  function hear({ type, message, stream_id, epoch, offset, ...rest }: any) {
    if (isReady) watch(SILENCE)
    if (type) return answers[type]?.(rest)
    if (!message) return
    if (stream_id) {
      const last = place.streams[stream_id]
      if (last?.epoch == epoch && offset <= last!.offset) return
      place.streams[stream_id] = { epoch, offset }
    }
    watcher.onFrame(message)
  }

  watch(HANDSHAKE)
  try {
    socket = new WebSocket(url + (place.sid && "?sid=" + encodeURIComponent(place.sid)), [PROTOCOL])
    socket.onmessage = (event) => hear(JSON.parse(event.data))
    // A policy of the page that forbids it tells an error, and never that it is closed.
    socket.onerror = socket.onclose = end
  } catch {
    // Some pages forbid even to try.
    watch(0)
  }
  return close
}
