/** What a page wants: `data-*` of the script's tag, and `window.dexraSettings`, which wins. */

import type { Attributes, Identity, Options } from "../types"

export interface Settings extends Options {
  theme?: "auto" | "light" | "dark"
  /** A colour of the page's own. */
  accent?: string
  position?: "start" | "end"
  hideLauncher?: boolean
  /** For pages whose policy lets only marked styles in. */
  nonce?: string
}

/** Return the settings a tag carries; `script` is where the server is, unless something else is said. */
export function settingsOf(tag: HTMLElement | null | undefined, own: Settings = {}): Settings {
  const { token, identifier, identifierHash, hideLauncher, ...plain } = (tag?.dataset ?? {}) as Record<string, string>
  const found: Settings = { ...plain }
  if (token) found.identity = { token }
  else if (identifier && identifierHash) found.identity = { identifier, identifierHash }
  if (hideLauncher !== undefined) found.hideLauncher = hideLauncher != "false"
  const source = (tag as HTMLScriptElement | null)?.src
  if (source) found.baseUrl ??= new URL(source).origin
  if (tag?.nonce) found.nonce = tag.nonce
  return { ...found, ...own }
}

/** The language that was named, or the page's; then the inbox's, then the browser's. */
export function localeOf({ locale }: Pick<Settings, "locale">, inboxes?: string): string {
  return locale || document.documentElement.lang || inboxes || navigator.language || "en"
}

export type { Attributes, Identity }
