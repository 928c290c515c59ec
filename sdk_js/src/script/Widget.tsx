/** What the script draws: the launcher in a corner, or the chat alone in `<dexra-chat>`. */

import { useEffect, useSyncExternalStore } from "react"
import { ar } from "../locales/ar"
import { fr } from "../locales/fr"
import { DexraChat, DexraProvider, Launcher } from "../react"
import type { DexraClientHandle, Store } from "../types"
import { looksOf } from "./looks"
import { localeOf, type Settings } from "./settings"

/** What the page says; where it says nothing, the inbox's looks are taken. */
export interface View extends Pick<Settings, "theme" | "position" | "accent" | "locale"> {
  hideLauncher: boolean
  isOpen: boolean
}

const LOCALES = { ar, fr }

interface WidgetProps {
  client: DexraClientHandle
  view: Store<View>
  /** What carries the page's colour. */
  host: HTMLElement
  setOpen?: (isOpen: boolean) => void
}

export function Widget({ client, view, host, setOpen }: WidgetProps) {
  const said = useSyncExternalStore(view.subscribe, view.get)
  const looks = looksOf(useSyncExternalStore(client.state.subscribe, client.state.get))
  const { isOpen, hideLauncher } = said
  const accent = said.accent || looks.accent
  const locale = localeOf(said, looks.locale)
  useEffect(() => {
    if (accent) host.style.setProperty("--dx-accent", accent)
  }, [host, accent])
  const strings = LOCALES[locale.slice(0, 2).toLowerCase() as keyof typeof LOCALES]
  return (
    <DexraProvider client={client} locale={locale} strings={strings} theme={said.theme ?? looks.theme ?? "auto"}>
      {setOpen ? (
        <Launcher
          isOpen={isOpen}
          onOpenChange={setOpen}
          isButtonHidden={hideLauncher}
          position={said.position ?? looks.position ?? "end"}
        />
      ) : (
        <DexraChat />
      )}
    </DexraProvider>
  )
}
