/** Around everything: makes or takes the client, starts it, and says how its parts are drawn. */

import { useCallback, useEffect, useMemo, useRef, useState, useSyncExternalStore, type ReactNode } from "react"
import { createDexra } from "../client"
import { en, type Strings } from "../locales/en"
import type { ConversationHandle, DexraClientHandle, Options } from "../types"
import { Context, type Components, type Theme, type Ui } from "./context"
import { keepWriting, writingOf } from "./drafts"
import { wordsFor } from "./failures"
import { createFormat, directionOf, knownLocale } from "./format"
import { quietly } from "./hooks"

export type DexraProviderProps = (
  { client: DexraClientHandle; options?: never } | { options: Options; client?: never }
) & {
  /** Decides dates, plurals and the direction; `strings` brings the words. */
  locale?: string
  strings?: Partial<Strings>
  /** Leave our classes out. */
  unstyled?: boolean
  theme?: Theme
  components?: Components
  /** Where the launcher is put; left out: where it stands. */
  portal?: Element | DocumentFragment
  children?: ReactNode
}

const NO_COMPONENTS: Components = {}

export function DexraProvider(props: DexraProviderProps) {
  const { strings, unstyled = false, theme = "auto", components = NO_COMPONENTS, portal, children } = props
  const [own] = useState(() => (props.client ? null : createDexra(props.options!)))
  const client = props.client ?? own!
  const { shown, show } = useShown(client)
  const isForgetful = useForgetful(client)
  useStarted(client, client == own)
  const locale = knownLocale(props.locale ?? props.options?.locale ?? "en")
  const ui = useMemo<Ui>(() => {
    const words = { ...en, ...strings }
    const format = createFormat(locale)
    return {
      client,
      shown,
      show,
      components,
      isForgetful,
      portal,
      strings: words,
      say: (failure) => wordsFor(failure, words.errors, format, client.state.get().inbox),
      format,
      cx: (names, className) =>
        [unstyled ? "" : names.replace(/\S+/g, "dx-$&"), className].filter(Boolean).join(" ") || undefined,
      root: { dir: directionOf(locale), lang: locale, "data-dx-theme": theme },
    }
  }, [client, shown, show, components, isForgetful, portal, strings, locale, unstyled, theme])
  return <Context.Provider value={ui}>{children}</Context.Provider>
}

/** Runs as long as this stands; what somebody else made is theirs to stop. */
function useStarted(client: DexraClientHandle, isOurs: boolean): void {
  useEffect(() => {
    quietly(client.start())
    return () => {
      if (isOurs) client.stop()
    }
  }, [client, isOurs])
}

/** Told once, and maybe before anything is on screen. What else goes wrong is for whoever built the page. */
function useForgetful(client: DexraClientHandle): boolean {
  const [isForgetful, setForgetful] = useState(false)
  useEffect(
    () =>
      client.on("error", ({ code, message }) => {
        if (code == "storage_unavailable") setForgetful(true)
        else console.warn(`[dexra] ${code}: ${message}`)
      }),
    [client],
  )
  return isForgetful
}

/**
 * The conversation on screen: the one that was chosen, else the client's current one.
 * One in which something was said stays, also when it is closed while it is read.
 */
function useShown(client: DexraClientHandle) {
  const kept = useRef<{ client: DexraClientHandle; handle: ConversationHandle; isChosen: boolean } | null>(null)
  const [, redraw] = useState(0)
  const pick = useCallback(() => {
    const now = kept.current?.client == client ? kept.current : null
    if (now && (now.isChosen || hasBegun(now.handle))) return now.handle
    const handle = client.current()
    if (now && now.handle != handle) keepWriting(handle, writingOf(now.handle))
    kept.current = { client, handle, isChosen: false }
    return handle
  }, [client])
  const subscribe = useCallback((watch: () => void) => client.state.subscribe(watch), [client])
  const shown = useSyncExternalStore(subscribe, pick, pick)
  const show = useCallback(
    (handle: ConversationHandle) => {
      kept.current = { client, handle, isChosen: true }
      redraw((n) => n + 1)
    },
    [client],
  )
  useEffect(
    () =>
      client.on("reset", () => {
        kept.current = null
        redraw((n) => n + 1)
      }),
    [client],
  )
  return { shown, show }
}

function hasBegun({ state }: ConversationHandle): boolean {
  const { summary, messages } = state.get()
  return summary != null || messages.length > 0
}
