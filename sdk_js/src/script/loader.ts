/** `/sdk/loader.js`: takes calls from the first moment and fetches the chat beside the page, never before it. */

declare const __FILE__: string
declare const __INTEGRITY__: string

const CALLS = ["init", "open", "close", "toggle", "identify", "update", "reset", "on", "setLocale", "setTheme"]
const TRIES = 3
const PAUSE_MS = 2000

function begin(): void {
  const page = window as any
  if (page.dexra && !(page.dexra instanceof Element)) return
  // An element called currentScript or dexra comes before what a browser says: only a script is believed.
  const script = document.currentScript
  const tag = (
    script instanceof HTMLScriptElement ? script : document.querySelector('script#sbinit, script[src*="/sdk/"]')
  ) as HTMLScriptElement | null
  const queue: unknown[] = []
  const later =
    (name: string) =>
    (...words: unknown[]) =>
      new Promise((...settle) => queue.push([name, words, ...settle]))
  page.dexra = { queue, tag, ...Object.fromEntries(CALLS.map((name) => [name, later(name)])) }
  fetchChat(tag, 1)
}

function fetchChat(tag: HTMLScriptElement | null, tried: number): void {
  const script = document.createElement("script")
  script.src = new URL(`/sdk/files/${__FILE__}`, tag?.src || location.href).href
  script.integrity = __INTEGRITY__
  script.crossOrigin = "anonymous"
  script.async = true
  if (tag?.nonce) script.nonce = tag.nonce
  script.onerror = () => {
    script.remove()
    if (tried < TRIES) setTimeout(fetchChat, PAUSE_MS * tried, tag, tried + 1)
    else console.error(`[dexra] The chat could not be loaded from ${script.src}: blocked, or no connection.`)
  }
  document.head.append(script)
}

begin()

export {}
