/** The page: ?state=talk&theme=dark&locale=ar&accent=gold&part=launcher shows the chat in one state. */

import { createRoot } from "react-dom/client"
import { ar } from "../../src/locales/ar"
import { fr } from "../../src/locales/fr"
import { DexraChat, DexraProvider, Launcher, type Theme } from "../../src/react"
import { STATES } from "./states"

const asked = new URLSearchParams(location.search)
const locale = asked.get("locale") ?? "en"
const client = (STATES[asked.get("state") ?? "talk"] ?? STATES.talk!)()
const strings = { ar, fr }[locale]
const host = document.getElementById("chat")!
document.documentElement.lang = locale
document.documentElement.dir = locale == "ar" ? "rtl" : "ltr"
document.documentElement.style.setProperty("--dx-accent", asked.get("accent"))
Object.assign(window, { client })

/** The same sheet, in a root of its own, on a page that wants everything pink. */
function shadowOf(host: HTMLElement): HTMLElement {
  const root = host.attachShadow({ mode: "open" })
  for (const node of document.querySelectorAll("link")) root.append(node.cloneNode())
  return root.appendChild(document.createElement("main"))
}

const place = asked.has("shadow") ? shadowOf(host) : host
document.body.className = asked.get("page") ?? ""

createRoot(place).render(
  <DexraProvider
    client={client}
    locale={locale}
    strings={strings}
    theme={(asked.get("theme") ?? "light") as Theme}
    unstyled={asked.has("unstyled")}
  >
    {asked.get("part") == "launcher" ? (
      <Launcher position={asked.get("position") == "start" ? "start" : "end"} />
    ) : (
      <DexraChat />
    )}
  </DexraProvider>,
)
