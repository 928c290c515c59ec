/** Serves the gallery on 127.0.0.1: the sources built in memory, two pictures of its own, and nothing else. */

import { build } from "esbuild"
import { readFileSync } from "node:fs"
import { createServer, type Server } from "node:http"
import { fileURLToPath } from "node:url"

const here = (name: string) => fileURLToPath(new URL(name, import.meta.url))
const PICTURE =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 480 300"><rect width="480" height="300" fill="#cfd8f6"/><path d="M150 130h180l20 130H130zM190 130c0-70 100-70 100 0" fill="none" stroke="#3d56d6" stroke-width="10"/></svg>'
const CSP =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; media-src 'self'; connect-src 'self'"

export interface Gallery {
  url: string
  close(): void
}

/** `react`: the package that draws; `preact/compat` in the script build. Port 0: any that is free. */
export async function serveGallery(react: "react" | "preact" = "react", port = 0): Promise<Gallery> {
  const pages = await pagesOf(react)
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? "/", "http://127.0.0.1").pathname
    const [type, body] = pages[path] ?? ["text/plain", ""]
    response.writeHead(path in pages ? 200 : 404, { "Content-Type": type, "Content-Security-Policy": CSP })
    response.end(body)
  })
  await new Promise<void>((done) => server.listen(port, "127.0.0.1", done))
  return { url: `http://127.0.0.1:${portOf(server)}`, close: () => server.close() }
}

async function pagesOf(react: "react" | "preact"): Promise<Record<string, [string, string]>> {
  const alias = {
    react: "preact/compat",
    "react-dom": "preact/compat",
    "react-dom/client": "preact/compat/client",
    "react/jsx-runtime": "preact/jsx-runtime",
  }
  const shared = { bundle: true, write: false, logLevel: "error" } as const
  const style = await build({ ...shared, entryPoints: [here("../../src/styles/dexra.css")] })
  const script = await build({
    ...shared,
    entryPoints: [here("gallery.tsx")],
    format: "esm",
    jsx: "automatic",
    define: { "process.env.NODE_ENV": '"production"' },
    alias: react == "preact" ? alias : {},
  })
  return {
    "/": ["text/html", readFileSync(here("index.html"), "utf8")],
    "/page.css": ["text/css", readFileSync(here("page.css"), "utf8")],
    "/dexra.css": ["text/css", style.outputFiles[0]!.text],
    "/gallery.js": ["text/javascript", script.outputFiles[0]!.text],
    "/picture.svg": ["image/svg+xml", PICTURE],
  }
}

function portOf(server: Server): number {
  const address = server.address()
  return typeof address == "object" && address ? address.port : 0
}
