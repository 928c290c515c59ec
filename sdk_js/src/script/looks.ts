/** How an inbox wants the chat to look: `appearance` in its settings, where anything may have been written. */

import type { ClientState } from "../types"
import type { Settings } from "./settings"

export type Looks = Pick<Settings, "theme" | "position" | "accent" | "locale">

const THEMES = ["auto", "light", "dark"]
const POSITIONS = ["start", "end"]

/** Return what of it can be drawn. */
export function looksOf({ inbox }: ClientState): Looks {
  const { theme, position, accent, locale } = (inbox?.appearance ?? {}) as Record<string, any>
  return {
    theme: THEMES.includes(theme) ? theme : undefined,
    position: POSITIONS.includes(position) ? position : undefined,
    accent: typeof accent == "string" && CSS.supports("color", accent) ? accent : undefined,
    locale: typeof locale == "string" ? locale : undefined,
  }
}
