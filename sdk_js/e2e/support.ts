/** What the specs stand on: the running product with its keys, pages of other sites, and people who look at them. */

import { readFileSync } from "node:fs"
import { createServer, type Server } from "node:http"
import type { AddressInfo } from "node:net"
import { join } from "node:path"
import { test as base, type Locator, type Page } from "@playwright/test"
import { BASE_URL, DATA } from "../playwright.config"

export { expect } from "@playwright/test"

export interface Inbox {
  id: string
  identifier: string
  hmac_token: string
}

/** The business's server: it calls /v1 with its key. */
export class Business {
  private readonly key = (JSON.parse(readFileSync(join(DATA, "demo.json"), "utf8")) as any).live.api_key as string

  async call(method: string, path: string, body?: unknown): Promise<any> {
    const answer = await fetch(BASE_URL + path, {
      method,
      headers: { Authorization: `Bearer ${this.key}`, "Content-Type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
    })
    const text = await answer.text()
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`)
    return text ? JSON.parse(text) : null
  }

  createInbox(change: Record<string, unknown> = {}): Promise<Inbox> {
    return this.call("POST", "/v1/inboxes", { name: "Shop", channel: "web", ...change })
  }

  /** The messages of everybody who wrote to an inbox, oldest first. */
  async heard(inbox: Inbox): Promise<any[]> {
    const { data } = await this.call("GET", `/v1/conversations?inbox_id=${inbox.id}`)
    const pages = await Promise.all(
      data.map((one: any) => this.call("GET", `/v1/conversations/${one.id}/messages?limit=100`)),
    )
    return pages.flatMap((page) => page.data).sort((a: any, b: any) => a.created_at.localeCompare(b.created_at))
  }

  async conversation(inbox: Inbox): Promise<any> {
    const { data } = await this.call("GET", `/v1/conversations?inbox_id=${inbox.id}`)
    return data[0]
  }

  async answer(inbox: Inbox, text: string, more: Record<string, unknown> = {}): Promise<any> {
    const { id } = await this.conversation(inbox)
    return this.call("POST", `/v1/conversations/${id}/messages`, { text, ...more })
  }
}

/** What everybody wrote to an inbox and was answered, oldest first. */
export async function textsOf(business: Business, inbox: Inbox): Promise<string[]> {
  return (await business.heard(inbox)).map((one) => one.text)
}

type Served = { html: string; headers: Record<string, string> }

/** A site of somebody's own, on another origin than the product. */
export class Site {
  private readonly pages = new Map<string, Served>()
  private server?: Server
  url = ""

  async start(): Promise<this> {
    this.server = createServer((request, response) => {
      const page = this.pages.get(request.url ?? "/")
      response.writeHead(page ? 200 : 404, { "Content-Type": "text/html; charset=utf-8", ...page?.headers })
      response.end(page?.html ?? "")
    })
    await new Promise<void>((ready) => this.server!.listen(0, "127.0.0.1", ready))
    this.url = `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`
    return this
  }

  /** Serve a page and return its address. */
  page(path: string, html: string, headers: Record<string, string> = {}): string {
    this.pages.set(path, { html, headers })
    return this.url + path
  }

  stop(): void {
    this.server?.close()
  }
}

/** The tag customers paste, with what they may say on it. */
export function tag(inbox: Pick<Inbox, "identifier">, attributes: Record<string, string> = {}): string {
  const words = Object.entries(attributes).map(([name, value]) => `${name}="${value}"`)
  return `<script src="${BASE_URL}/sdk/loader.js" id="sbinit" data-inbox="${inbox.identifier}" ${words.join(" ")} async></script>`
}

export function pageWith(inside: string, head = ""): string {
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>A shop</title>
<meta name="viewport" content="width=device-width, initial-scale=1">${head}</head><body><h1>A shop</h1>${inside}</body></html>`
}

/** The chat on a page, as a person finds it. */
export class Chat {
  constructor(readonly page: Page) {}

  get launcher(): Locator {
    return this.page.locator(".dx-launch")
  }

  get input(): Locator {
    return this.page.locator(".dx-panel textarea, dexra-chat textarea").first()
  }

  get log(): Locator {
    return this.page.getByRole("log")
  }

  async open(): Promise<this> {
    await this.launcher.click()
    await this.input.waitFor()
    return this
  }

  async say(text: string): Promise<void> {
    await this.input.fill(text)
    await this.input.press("Enter")
  }

  shows(text: string): Locator {
    return this.log.getByText(text, { exact: true })
  }
}

export const test = base.extend<{ site: Site; inbox: Inbox; chat: Chat }, { business: Business }>({
  business: [async ({}, use) => use(new Business()), { scope: "worker" }],
  inbox: async ({ business }, use) => use(await business.createInbox()),
  site: async ({}, use) => {
    const site = await new Site().start()
    await use(site)
    site.stop()
  },
  /** A page with the tag on it, just opened. */
  chat: async ({ page, site, inbox }, use) => {
    await page.goto(site.page("/", pageWith(tag(inbox))))
    await use(new Chat(page))
  },
})
