/** `<dexra-chat inbox="…" locale="…" theme="…">`: the chat as a part of any page, for any framework. */

import { createRoot, type Root } from "react-dom/client"
import { createDexra } from "../client"
import { createStore } from "../store"
import type { DexraClientHandle, Identity } from "../types"
import { localeOf, type Settings } from "./settings"
import { openShadow } from "./shadow"
import { Widget, type View } from "./Widget"

/**
 * Define the element; `shared` is the page's client, drawn where the element names no inbox of its own.
 * Returns what to call when that client is there at last.
 */
export function defineElement(shared: () => DexraClientHandle | undefined, settings: Settings): () => void {
  const waiting = new Set<DexraChatElement>()

  class DexraChatElement extends HTMLElement {
    static observedAttributes = ["locale", "theme", "accent"]
    /** Who uses the page; set it before the element is put into the page. */
    identity: Identity | null = null
    private drawn: Root | null = null
    private own: DexraClientHandle | null = null
    private readonly view = createStore<View>({ ...this.words(), hideLauncher: true, isOpen: true })

    get client(): DexraClientHandle | undefined {
      return this.own ?? shared()
    }

    connectedCallback(): void {
      const inbox = this.getAttribute("inbox")
      if (inbox && inbox != settings.inbox) {
        const baseUrl = this.getAttribute("base-url") ?? settings.baseUrl
        this.own = createDexra({ baseUrl, inbox, identity: this.identity, locale: localeOf(this.words()) })
      }
      const { client } = this
      if (!client) return void waiting.add(this)
      const place = openShadow(this, settings.nonce).appendChild(document.createElement("div"))
      this.drawn = createRoot(place)
      this.drawn.render(<Widget client={client} view={this.view} host={this} />)
      this.attributeChangedCallback()
    }

    disconnectedCallback(): void {
      waiting.delete(this)
      this.drawn?.unmount()
      this.own?.stop()
      this.drawn = this.own = null
      for (const child of [...(this.shadowRoot?.children ?? [])]) if (child.tagName == "DIV") child.remove()
    }

    attributeChangedCallback(): void {
      this.view.set(this.words())
    }

    private words(): Pick<View, "locale" | "theme" | "accent"> {
      const word = (name: "locale" | "theme" | "accent") => this.getAttribute(name) ?? settings[name]
      return { locale: word("locale"), theme: word("theme") as View["theme"], accent: word("accent") }
    }
  }
  if (!customElements.get("dexra-chat")) customElements.define("dexra-chat", DexraChatElement)
  return () => {
    const those = [...waiting]
    waiting.clear()
    those.forEach((element) => element.connectedCallback())
  }
}
