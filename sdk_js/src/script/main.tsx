/** The script for any page: a client, the chat in a corner, `window.dexra`, `<dexra-chat>` and the old API. */

import { createRoot } from "react-dom/client"
import { createDexra } from "../client"
import { installCompat } from "../compat"
import { createStore, type WritableStore } from "../store"
import type { Attributes, DexraClientHandle, Events, Identity } from "../types"
import { defineElement } from "./element"
import { localeOf, settingsOf, type Settings } from "./settings"
import { openShadow } from "./shadow"
import { Widget, type View } from "./Widget"

declare const __VERSION__: string

type Queued = [name: string, words: unknown[], resolve: (value: unknown) => void, reject: (reason: unknown) => void]

const page = window as any

/** Everything that is there once an inbox is known. */
interface Chat {
  client: DexraClientHandle
  view: WritableStore<View>
  setOpen(isOpen: boolean): void
}

function createApi(tag: HTMLScriptElement | null) {
  const settings = settingsOf(tag, page.dexraSettings)
  let chat: Chat | undefined
  const begun = () => {
    if (!chat) throw new Error('[dexra] No inbox yet: give the script data-inbox="…", or call dexra.init({ inbox }).')
    return chat
  }
  const api = {
    version: __VERSION__,
    get client() {
      return chat?.client
    },
    init(more: Settings = {}) {
      Object.assign(settings, more)
      if (!chat && (settings.inbox || settings.publishableKey)) {
        chat = beginChat(settings)
        drawElements()
      }
      return chat?.client
    },
    open: () => begun().setOpen(true),
    close: () => begun().setOpen(false),
    toggle: () => begun().setOpen(!begun().view.get().isOpen),
    identify: (identity: Identity, attributes?: Attributes) => begun().client.identify(identity, attributes),
    update: (attributes: Attributes) => begun().client.update(attributes),
    reset: () => begun().client.reset(),
    on: <Name extends keyof Events>(name: Name, tell: (event: Events[Name]) => void) => begun().client.on(name, tell),
    setLocale: (locale: string) => begun().view.set({ locale }),
    setTheme: (theme: View["theme"]) => begun().view.set({ theme }),
  }
  const drawElements = defineElement(() => chat?.client, settings)
  return api
}

function beginChat(settings: Settings): Chat {
  const client = createDexra({ ...settings, locale: localeOf(settings) })
  const view = createStore<View>({
    locale: settings.locale,
    theme: settings.theme,
    position: settings.position,
    accent: settings.accent,
    hideLauncher: settings.hideLauncher ?? false,
    isOpen: false,
  })
  const setOpen = (isOpen: boolean) => {
    if (view.get().isOpen == isOpen) return
    view.set({ isOpen })
    compat.tell(isOpen ? "SBChatOpen" : "SBChatClose")
  }
  const panel = { open: () => setOpen(true), close: () => setOpen(false), isOpen: () => view.get().isOpen }
  const compat = installCompat(client, panel)
  const chat = { client, view, setOpen }
  whenThereIsABody(() => draw(chat, settings))
  return chat
}

function draw({ client, view, setOpen }: Chat, { nonce }: Settings): void {
  if (page.SB_DISABLED) return
  const host = document.createElement("div")
  host.id = "dexra"
  // Whatever a page shouts at everything. Firefox spells out what "all" is, and spacing that no reader can change breaks
  // a rule of axe: these three are said again inside.
  host.style.setProperty("all", "initial", "important")
  for (const name of ["line-height", "letter-spacing", "word-spacing"]) host.style.setProperty(name, "initial")
  document.body.append(host)
  const place = openShadow(host, nonce).appendChild(document.createElement("div"))
  createRoot(place).render(<Widget client={client} view={view} host={host} setOpen={setOpen} />)
}

function whenThereIsABody(go: () => void): void {
  if (document.body) go()
  else document.addEventListener("DOMContentLoaded", go, { once: true })
}

/** Take the loader's place: its calls are made now, in their order, and answered. */
function begin(): void {
  const stub = page.dexra ?? {}
  if (stub.version) return console.warn("[dexra] The script is in the page twice; the second one does nothing.")
  const api: Record<string, any> = createApi(
    [stub.tag, document.currentScript].find((one) => one instanceof HTMLScriptElement) ?? null,
  )
  page.dexra = api
  if (!api.init()) console.info('[dexra] Waiting for an inbox: data-inbox="…" on the script, or dexra.init({ inbox }).')
  for (const [name, words, resolve, reject] of (stub.queue ?? []) as Queued[]) {
    try {
      resolve(api[name](...words))
    } catch (failure) {
      reject(failure)
    }
  }
}

begin()
