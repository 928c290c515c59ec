import { readFile } from "node:fs/promises"
import { createServer, type ServerResponse } from "node:http"
import { signIdentity } from "@dexra/sdk/server"
import { renderToString } from "react-dom/server"
import { Page } from "./Page"

const { DEXRA_URL = "http://127.0.0.1:8000", DEXRA_INBOX = "", DEXRA_HMAC_TOKEN = "", PORT = "8081" } = process.env

/** Whoever is signed in here; an app of yours asks its own session. */
const user = {
  identifier: "customer-42",
  first_name: "Amine",
  email: "amine@example.ma",
  user_type: "premium",
}

const files: Record<string, string> = {
  "/browser.js": "text/javascript",
  "/browser.css": "text/css",
}

function page(): string {
  const drawn = renderToString(<Page baseUrl={DEXRA_URL} inbox={DEXRA_INBOX} />)
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Your account</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="stylesheet" href="/browser.css"></head>
<body><div id="root" data-base-url="${DEXRA_URL}" data-inbox="${DEXRA_INBOX}">${drawn}</div>
<script type="module" src="/browser.js"></script></body></html>`
}

function answer(response: ServerResponse, type: string, content: string | Buffer, status = 200): void {
  response.writeHead(status, { "Content-Type": type, "Cache-Control": "no-store" }).end(content)
}

createServer(async ({ url = "/" }, response) => {
  if (url == "/dexra-token") return answer(response, "text/plain", signIdentity(user, DEXRA_HMAC_TOKEN))
  if (files[url]) return answer(response, files[url], await readFile(new URL(`.${url}`, import.meta.url)))
  if (url == "/") return answer(response, "text/html", page())
  answer(response, "text/plain", "Nothing here.", 404)
}).listen(Number(PORT), "127.0.0.1", () => console.log(`http://127.0.0.1:${PORT}`))
