/** Whatever is wrong has a state on screen and a code in code. */

import { createHmac } from "node:crypto"
import { Chat, expect, pageWith, Site, tag, test } from "./support"

const errorCode = (chat: Chat) => () => chat.page.evaluate(() => (window as any).dexra.client?.state.get().error?.code)

async function opened(page: Chat["page"], url: string): Promise<Chat> {
  await page.goto(url)
  const chat = new Chat(page)
  await chat.launcher.click()
  return chat
}

test("an inbox that is not there", async ({ page, site }) => {
  const chat = await opened(page, site.page("/", pageWith(tag({ identifier: "nosuchinbox" }))))
  await expect.poll(errorCode(chat)).toBe("inbox_not_found")
  await expect(page.getByRole("alert").or(page.getByRole("status")).filter({ hasText: /\w/ }).first()).toBeVisible()
})

test("an identity that was not signed here, or has ended", async ({ page, site, inbox }) => {
  const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString("base64url")
  const signed = `${encode({ alg: "HS256", typ: "JWT" })}.${encode({ sub: "42", exp: 1_700_000_000 })}`
  const token = `${signed}.${createHmac("sha256", inbox.hmac_token).update(signed).digest("base64url")}`
  const chat = await opened(page, site.page("/", pageWith(tag(inbox, { "data-token": token }))))
  await expect.poll(errorCode(chat)).toBe("invalid_identity_token")
})

test("an inbox that wants proof, and a page that has none", async ({ page, site, business }) => {
  const inbox = await business.createInbox({ hmac_mandatory: true })
  const chat = await opened(page, site.page("/", pageWith(tag(inbox))))
  await expect.poll(errorCode(chat)).toBe("identity_required")
})

test("a page the inbox does not allow, beside one it does", async ({ page, site, business }) => {
  const stranger = await new Site().start()
  const inbox = await business.createInbox({ settings: { allowed_origins: [site.url] } })
  const refused = await opened(page, stranger.page("/", pageWith(tag(inbox))))
  await expect.poll(errorCode(refused)).toBe("origin_not_allowed")

  const allowed = await opened(page, site.page("/", pageWith(tag(inbox))))
  await allowed.say("Hello")
  await expect.poll(async () => (await business.heard(inbox)).length).toBe(1)
  stranger.stop()
})

test("a person who was blocked may read, and is told why they cannot write", async ({ chat, business, inbox }) => {
  await chat.open()
  await chat.say("Hello")
  await expect.poll(async () => (await business.heard(inbox)).length).toBe(1)
  const { user } = await business.conversation(inbox)
  await business.call("PATCH", `/v1/users/${user.id}`, { blocked: true })

  await chat.say("Once more")

  await expect.poll(errorCode(chat)).toBe("user_blocked")
  await expect(chat.shows("Hello")).toBeVisible()
  expect(await business.heard(inbox)).toHaveLength(1)
})

test("a file that is too large is refused before it is sent", async ({ chat, page }) => {
  await chat.open()
  const limits = await page.waitForFunction(() => (window as any).dexra.client?.state.get().inbox?.limits)
  const { file_bytes: limit } = (await limits.jsonValue()) as { file_bytes: number }
  const uploads: string[] = []
  page.on("request", (request) => request.url().includes("/attachments") && uploads.push(request.url()))
  await page.evaluate((size) => {
    const input = (document.querySelector("#dexra") as any).shadowRoot.querySelector('input[type="file"]')
    const files = new DataTransfer()
    files.items.add(new File([new Uint8Array(size)], "film.mp4", { type: "video/mp4" }))
    input.files = files.files
    input.dispatchEvent(new Event("change", { bubbles: true }))
  }, limit + 1)
  await expect(page.getByText("film.mp4").first()).toBeVisible()
  expect(uploads).toEqual([])
})

for (const [what, script] of [
  [
    "forbidden",
    `Object.defineProperty(window, "localStorage", { get() { throw new DOMException("no", "SecurityError") } })`,
  ],
  ["full", `Storage.prototype.setItem = () => { throw new DOMException("full", "QuotaExceededError") }`],
]) {
  test(`a storage that is ${what}`, async ({ page, site, inbox, business }) => {
    await page.addInitScript(script!)
    const chat = await opened(page, site.page("/", pageWith(tag(inbox))))
    await chat.say("Hello")
    await expect.poll(async () => (await business.heard(inbox)).map((one) => one.text)).toEqual(["Hello"])
  })
}

test("a page whose styles shout", async ({ page, site, inbox }) => {
  const hostile = `<style>* { all: unset !important; display: none !important; color: red !important }
    html, body, #dexra { display: block !important } div { position: static !important; font: 40px fantasy !important;
    transform: scale(2) !important; pointer-events: none !important }</style>`
  const chat = await opened(page, site.page("/", pageWith(tag(inbox), hostile)))
  const style = await chat.input.evaluate((input) => {
    const { color, fontSize, display } = getComputedStyle(input)
    return { color, fontSize, display }
  })
  expect(style.color).not.toBe("rgb(255, 0, 0)")
  expect(style.display).not.toBe("none")
  expect(parseFloat(style.fontSize)).toBeLessThan(20)
})

test("a page with a strict policy, and nothing it forbids", async ({ page, site, inbox, business, baseURL }) => {
  const policy = [
    "default-src 'none'",
    `script-src 'nonce-abc' ${baseURL}`,
    "style-src 'nonce-abc'",
    `connect-src ${baseURL} ${baseURL!.replace("http", "ws")}`,
    `img-src blob: ${baseURL}`,
    "base-uri 'none'",
  ].join("; ")
  const refused: string[] = []
  page.on("console", (message) => /Content Security Policy/.test(message.text()) && refused.push(message.text()))
  const html = pageWith(tag(inbox, { nonce: "abc" }))
  const chat = await opened(page, site.page("/", html, { "Content-Security-Policy": policy }))
  await chat.say("Hello")
  await expect.poll(async () => (await business.heard(inbox)).length).toBe(1)
  expect(refused).toEqual([])
})

test("a session whose token ends goes on with a new one", async ({ chat, page, business, inbox }) => {
  await chat.open()
  let refused = 0
  await page.route(/\/client\/v1\/conversations/, (route) => {
    if (refused++) return route.fallback()
    return route.fulfill({
      status: 401,
      headers: { "Access-Control-Allow-Origin": "*" },
      json: { error: { type: "not_authenticated", code: "session_expired", message: "The session token has ended." } },
    })
  })
  await chat.say("Hello")
  await expect.poll(async () => (await business.heard(inbox)).map((one) => one.text)).toEqual(["Hello"])
})
