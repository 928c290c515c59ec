/**
 * How fast the script draws and scrolls, in Debian's Chromium against a running product: prints JSON.
 *
 * `node scripts/measure.mjs URL API_KEY [messages]`. The floor in the same browser is an empty page with a button and
 * 1,000 plain paragraphs.
 */

import { createServer } from "node:http"
import { existsSync } from "node:fs"
import { chromium } from "@playwright/test"

const [url, key, count = "1000"] = process.argv.slice(2)
const ROUNDS = 7
const executablePath = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find(existsSync)

async function call(method, path, body) {
  const answer = await fetch(url + path, {
    method,
    headers: { Authorization: `Bearer ${key}`, "Content-Type": "application/json" },
    body: body && JSON.stringify(body),
  })
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`)
  return answer.json()
}

const median = (values) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)]

/** From the moment the chat's script has come to the first frame with its button. */
async function firstPaint(browser, page) {
  const times = []
  for (let round = 0; round < ROUNDS; round++) {
    const tab = await browser.newPage()
    await tab.addInitScript(() => {
      const look = () => {
        const button = document.querySelector("#dexra")?.shadowRoot?.querySelector(".dx-launch")
        if (!button) return requestAnimationFrame(look)
        requestAnimationFrame(() => (window.paintedAt = performance.now()))
      }
      requestAnimationFrame(look)
    })
    await tab.goto(page)
    await tab.waitForFunction(() => window.paintedAt)
    times.push(
      await tab.evaluate(() => {
        const script = performance.getEntriesByType("resource").find((one) => /\/sdk\/files\//.test(one.name))
        return window.paintedAt - script.responseEnd
      }),
    )
    await tab.close()
  }
  return median(times)
}

/** Scroll from one end of a box to the other and back; the longest task meanwhile, in milliseconds. */
async function longestTask(tab, box) {
  await tab.evaluate(() => {
    window.longest = 0
    new PerformanceObserver((list) => {
      for (const one of list.getEntries()) window.longest = Math.max(window.longest, one.duration)
    }).observe({ type: "longtask" })
  })
  const place = await box.boundingBox()
  await tab.mouse.move(place.x + place.width / 2, place.y + place.height / 2)
  for (const step of [-800, 800]) {
    for (let turn = 0; turn < 150; turn++) {
      await tab.mouse.wheel(0, step)
      await tab.waitForTimeout(16)
    }
  }
  await tab.waitForTimeout(300)
  return tab.evaluate(() => window.longest)
}

async function manyMessages(browser, page, inbox) {
  const tab = await browser.newPage()
  await tab.goto(page)
  await tab.locator(".dx-launch").click()
  await tab.locator("textarea").fill("Hello")
  await tab.locator("textarea").press("Enter")
  let conversation
  while (!conversation) conversation = (await call("GET", `/v1/conversations?inbox_id=${inbox.id}`)).data[0]
  for (let n = 1; n < Number(count); n += 10) {
    const said = Array.from({ length: 10 }, (_, m) => ({
      text: `Message ${n + m}, of some length so that it may break.`,
    }))
    for (const one of said) await call("POST", `/v1/conversations/${conversation.id}/messages`, one)
  }
  await tab.reload()
  await tab.locator(".dx-launch").click()
  await tab.locator("textarea").waitFor()
  await tab.waitForFunction(() => window.dexra.client.current().state.get().messages.length)
  const loaded = () => tab.evaluate(() => window.dexra.client.current().state.get())
  for (let turn = 0; turn < 60 && (await loaded()).hasOlder; turn++) {
    await tab.evaluate(() => window.dexra.client.current().loadOlder())
  }
  const { length } = (await loaded()).messages
  if (length < Number(count)) throw new Error(`Only ${length} of ${count} messages came.`)
  const longest = await longestTask(tab, tab.locator(".dx-scroll"))
  const drawn = await tab.locator("[data-dx-id]").count()
  if (drawn < length) throw new Error(`Only ${drawn} of ${length} messages were scrolled to.`)
  await tab.close()
  return { drawn, longest }
}

async function floor(browser) {
  const tab = await browser.newPage()
  const paragraphs = Array.from(
    { length: Number(count) },
    (_, n) => `<p>Message ${n}, of some length so that it may break.</p>`,
  )
  await tab.setContent(`<div id="box" style="height:500px;overflow:auto">${paragraphs.join("")}</div>`)
  const longest = await longestTask(tab, tab.locator("#box"))
  await tab.close()
  return longest
}

const inbox = await call("POST", "/v1/inboxes", { name: "Measured", channel: "web" })
const html = `<!doctype html><title>A shop</title><script src="${url}/sdk/loader.js" data-inbox="${inbox.identifier}" async></script>`
const server = createServer((_, response) => response.writeHead(200, { "Content-Type": "text/html" }).end(html))
await new Promise((ready) => server.listen(0, "127.0.0.1", ready))
const page = `http://127.0.0.1:${server.address().port}/`
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] })
try {
  const paint = await firstPaint(browser, page)
  const { drawn, longest } = await manyMessages(browser, page, inbox)
  const floorTask = await floor(browser)
  console.log(JSON.stringify({ paint, messages: drawn, longest_task: longest, floor_longest_task: floorTask }))
} finally {
  await browser.close()
  server.close()
}
