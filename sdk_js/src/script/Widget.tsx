/** What the script draws: the launcher in a corner, or the chat alone in `<dexra-chat>`. */

import { useSyncExternalStore } from "react"
import { ar } from "../locales/ar"
import { fr } from "../locales/fr"
import { DexraChat, DexraProvider, Launcher } from "../react"
import type { DexraClientHandle, Store } from "../types"
import type { Settings } from "./settings"

export interface View extends Required<Pick<Settings, "theme" | "position" | "hideLauncher">> {
  locale: string
  isOpen: boolean
}

const LOCALES = { ar, fr }

interface WidgetProps {
  client: DexraClientHandle
  view: Store<View>
  setOpen?: (isOpen: boolean) => void
}

export function Widget({ client, view, setOpen }: WidgetProps) {
  const { locale, theme, position, hideLauncher, isOpen } = useSyncExternalStore(view.subscribe, view.get)
  const strings = LOCALES[locale.slice(0, 2).toLowerCase() as keyof typeof LOCALES]
  return (
    <DexraProvider client={client} locale={locale} strings={strings} theme={theme}>
      {setOpen ? (
        <Launcher isOpen={isOpen} onOpenChange={setOpen} isButtonHidden={hideLauncher} position={position} />
      ) : (
        <DexraChat />
      )}
    </DexraProvider>
  )
}
