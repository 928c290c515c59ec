/** A place of our own in somebody's page: their styles stay out, ours stay in. */

import css from "../styles/dexra.css"

/** Return the shadow root of a host, with our style in it; `all: initial` keeps what a page gives to everything away. */
export function openShadow(host: HTMLElement, nonce?: string): ShadowRoot {
  const root = host.shadowRoot ?? host.attachShadow({ mode: "open" })
  if (root.childNodes.length || root.adoptedStyleSheets?.length) return root
  try {
    const sheet = new CSSStyleSheet()
    sheet.replaceSync(css)
    root.adoptedStyleSheets = [sheet]
  } catch {
    const style = document.createElement("style") // browsers of before 2023
    if (nonce) style.nonce = nonce
    style.textContent = css
    root.append(style)
  }
  return root
}
