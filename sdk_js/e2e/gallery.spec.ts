/** Every state of the chat in a real browser, without a server: what axe says of it, keys and places. */

import { readFileSync } from "node:fs"
import { createRequire } from "node:module"
import { expect, test, type Page } from "@playwright/test"
import { serveGallery, type Gallery } from "./gallery/serve"
import { STATES } from "./gallery/states"

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8")
const PICTURES = process.env.GALLERY_PICTURES

let gallery: Gallery
let preact: Gallery

test.beforeAll(async () => {
  ;[gallery, preact] = await Promise.all([serveGallery(), serveGallery("preact")])
})
test.afterAll(() => {
  gallery.close()
  preact.close()
})

test.use({ viewport: { width: 400, height: 640 } })

async function show(page: Page, query: string, url = gallery.url): Promise<string[]> {
  const problems: string[] = []
  page.on("pageerror", (error) => problems.push(String(error)))
  page.on("console", (line) => line.type() == "error" && !/404|ERR_/.test(line.text()) && problems.push(line.text()))
  await page.goto(`${url}/?${query}`)
  await expect(page.locator(".dx-chat, .dx-launch, [data-dx-theme]").first()).toBeAttached()
  return problems
}

async function violations(page: Page): Promise<string[]> {
  await page.evaluate(AXE)
  const found = await page.evaluate(() => (window as any).axe.run(document, { resultTypes: ["violations"] }))
  return found.violations.map(
    (each: any) => `${each.id}: ${each.nodes.map((node: any) => `${node.target} ${node.failureSummary}`).join(" | ")}`,
  )
}

async function picture(page: Page, name: string): Promise<void> {
  if (PICTURES) await page.screenshot({ path: `${PICTURES}/${name}.png` })
}

for (const state of Object.keys(STATES)) {
  for (const look of ["theme=light", "theme=dark&locale=ar"]) {
    test(`${state} (${look}) breaks no rule of axe`, async ({ page }) => {
      const problems = await show(page, `state=${state}&${look}`)
      await picture(page, `${state}-${look.includes("dark") ? "dark-ar" : "light"}`)

      expect(await violations(page)).toEqual([])
      expect(problems).toEqual([])
    })
  }
}

for (const [name, width, height, query] of [
  ["narrow", 320, 480, "state=files"],
  ["narrow-ar", 320, 480, "state=form&locale=ar"],
  ["narrow-survey", 320, 480, "state=survey"],
  ["wide", 1000, 640, "state=several"],
  ["wide-ar-dark", 1000, 640, "state=several&locale=ar&theme=dark"],
] as const) {
  test(`${name} fits, whatever is said`, async ({ page }) => {
    await page.setViewportSize({ width, height })
    await show(page, query)
    await picture(page, name)

    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
    expect(overflow).toBe(0)
    expect(await outOfTheirBubbles(page)).toEqual([])
    expect(await violations(page)).toEqual([])
  })
}

/** What sticks out of the bubble it is in; a row of cards scrolls in itself. */
function outOfTheirBubbles(page: Page): Promise<string[]> {
  return page.evaluate(() =>
    [...document.querySelectorAll(".dx-bubble")].flatMap((bubble) => {
      const edge = bubble.getBoundingClientRect()
      return [...bubble.querySelectorAll(":scope *:not(.dx-cards *)")]
        .filter((each) => {
          const { left, right, width } = each.getBoundingClientRect()
          return width > 1 && (left < edge.left - 1 || right > edge.right + 1)
        })
        .map((each) => each.outerHTML.slice(0, 80))
    }),
  )
}

test("a hostile page does not reach into a shadow root", async ({ page }) => {
  await show(page, "state=talk&shadow&page=hostile")
  await picture(page, "hostile-shadow")

  const text = page.locator(".dx-text").first()
  await expect(text).toHaveCSS("font-size", "15px")
  await expect(text).toHaveCSS("text-transform", "none")
  await expect(text).toHaveCSS("text-align", "start")
})

for (const theme of ["light", "dark"]) {
  test(`whatever the accent, links and the ring of the focus are seen (${theme})`, async ({ page }) => {
    for (const accent of ["gold", "deeppink", "#0a7a4b", "#777", "black", "white"]) {
      await show(page, `state=accent&theme=${theme}&accent=${encodeURIComponent(accent)}`)
      await picture(page, `accent-${accent.replace("#", "")}-${theme}`)

      expect(await violations(page)).toEqual([])
      for (const link of await page.locator(".dx-text a").all()) {
        await link.focus()
        const { words, ring } = await link.evaluate(contrasts)
        expect(words).toBeGreaterThanOrEqual(4.5)
        expect(ring).toBeGreaterThanOrEqual(3)
      }
    }
  })
}

/** In the page: how far a focused link's words and ring stand out from the bubble they are in, as WCAG counts it. */
function contrasts(link: Element): { words: number; ring: number } {
  const canvas = Object.assign(document.createElement("canvas"), { width: 1, height: 1 }).getContext("2d")!
  const luminance = (colour: string) => {
    canvas.fillStyle = colour
    canvas.fillRect(0, 0, 1, 1)
    const [r, g, b] = [...canvas.getImageData(0, 0, 1, 1).data].map((part) =>
      part <= 10 ? part / 3294.6 : ((part / 255 + 0.055) / 1.055) ** 2.4,
    )
    return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!
  }
  const { color, outlineColor } = getComputedStyle(link)
  const ground = luminance(getComputedStyle(link.closest(".dx-bubble")!).backgroundColor) + 0.05
  const against = (colour: string) => {
    const [dark, light] = [ground, luminance(colour) + 0.05].sort((one, other) => one - other)
    return light! / dark!
  }
  return { words: against(color), ring: against(outlineColor) }
}

test("links and the ring of the focus have the accent's hue", async ({ page }) => {
  await show(page, "state=accent&accent=%230a7a4b")
  const link = page.locator(".dx-text a").first()
  await link.focus()

  const drawn = await link.evaluate((each) => [getComputedStyle(each).color, getComputedStyle(each).outlineColor])
  for (const colour of drawn) {
    const [red, green, blue] = colour
      .match(/[\d.]+/g)!
      .slice(-3)
      .map(Number)
    expect(green).toBeGreaterThan(Math.max(red!, blue!))
  }
})

test("forced colours keep every edge that says something", async ({ page }) => {
  await page.emulateMedia({ forcedColors: "active" })
  await show(page, "state=talk")
  await picture(page, "forced-colours")

  await expect(page.locator(".dx-bubble").first()).toHaveCSS("border-top-width", "1px")
  await page.getByRole("textbox").focus()
  await expect(page.locator(".dx-box")).toHaveCSS("outline-style", "solid")
})

test("nothing moves for whoever wants nothing to move", async ({ page }) => {
  await page.emulateMedia({ reducedMotion: "reduce" })
  await show(page, "state=typing")

  const dot = await page.locator(".dx-doing").evaluate((each) => getComputedStyle(each, "::before").animationName)
  expect(dot).toBe("none")
})

test("preact draws the same", async ({ page }) => {
  const problems = await show(page, "state=several", preact.url)
  await page.getByRole("textbox").fill("From preact")
  await page.keyboard.press("Enter")
  await picture(page, "preact")

  await expect(page.getByRole("log")).toContainText("From preact")
  await expect(page.getByRole("textbox")).toHaveValue("")
  expect(problems).toEqual([])
})

test("the panel opens beside the page, closes with Escape and gives the focus back", async ({ page }) => {
  await page.setViewportSize({ width: 1000, height: 800 })
  await show(page, "state=several&part=launcher")
  const button = page.getByRole("button", { name: "Open chat, 3 unread messages" })
  await picture(page, "launcher")
  await button.focus()
  await page.keyboard.press("Enter")
  await expect(page.getByRole("dialog")).toBeVisible()
  await expect(page.getByRole("textbox")).toBeFocused()
  await picture(page, "panel")
  expect(await violations(page)).toEqual([])
  expect(await page.evaluate(() => document.querySelector("dialog")!.matches(":modal"))).toBe(false)

  await page.keyboard.press("Escape")

  await expect(page.getByRole("dialog")).toBeHidden()
  await expect(page.locator(".dx-launch")).toBeFocused()
})

test("on a small screen the panel is modal and keeps the focus", async ({ page }) => {
  await page.setViewportSize({ width: 390, height: 700 })
  await show(page, "state=talk&part=launcher&locale=ar")
  await page.locator(".dx-launch").click()
  await expect(page.getByRole("dialog")).toBeFocused()
  await picture(page, "panel-small-ar")
  expect(await page.evaluate(() => document.querySelector("dialog")!.matches(":modal"))).toBe(true)
  for (let presses = 0; presses < 12; presses += 1) {
    await page.keyboard.press("Tab")
    expect(
      await page.evaluate(() => document.activeElement == document.body || !!document.activeElement?.closest("dialog")),
    ).toBe(true)
  }

  await page.keyboard.press("Escape")

  await expect(page.locator(".dx-launch")).toBeFocused()
})

test("a survey is answered with the keyboard alone", async ({ page }) => {
  await show(page, "state=survey")
  await page.getByRole("radio", { name: "Very bad" }).focus()
  await page.keyboard.press("ArrowRight")
  await page.keyboard.press("Tab")
  await page.keyboard.type("Slow")
  await page.keyboard.press("Tab")
  await page.keyboard.press("Enter")

  const calls = await page.evaluate(() =>
    (window as any).client.current().calls.filter(([name]: any) => name == "submit"),
  )
  expect(calls[0][2]).toEqual({ csat_survey_response: { rating: 2, feedback_message: "Slow" } })
})

test("everything that is pressed is at least 24 pixels in each direction", async ({ page }) => {
  for (const state of ["several", "sending", "files", "form", "survey", "closed"]) {
    await show(page, `state=${state}`)
    const small = await page.evaluate(() =>
      [...document.querySelectorAll<HTMLElement>("button, input:not([hidden]), select, textarea")]
        .filter((each) => each.checkVisibility() && Math.min(each.offsetWidth, each.offsetHeight) < 24)
        .map((each) => each.outerHTML),
    )
    expect(small).toEqual([])
  }
})

test("a thousand messages scroll to their start, and older ones keep the place", async ({ page }) => {
  await show(page, "state=long")
  const scroller = page.locator(".dx-scroll")
  const fromEnd = () => scroller.evaluate((box) => box.scrollHeight - box.scrollTop - box.clientHeight)
  expect(await fromEnd()).toBeLessThan(2)

  const jumps = await scroller.evaluate(scrollToStart)

  expect(await page.locator("[data-dx-id]").count()).toBe(1000)
  expect(jumps).toEqual([])
  await page.getByRole("button", { name: "Go to the latest message" }).click()
  await expect.poll(fromEnd).toBeLessThan(60)
})

/** In the page: up by 300 pixels a frame; returns by how much what was on screen moved otherwise, whatever is put above it. */
async function scrollToStart(box: Element): Promise<number[]> {
  const jumps: number[] = []
  const rows = () => [...box.querySelectorAll<HTMLElement>("[data-dx-id]")]
  const edge = box.getBoundingClientRect().top
  const frame = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)))
  for (let turn = 0; turn < 1000; turn += 1) {
    const held = rows().find((each) => each.getBoundingClientRect().bottom > edge)!
    const before = held.getBoundingClientRect().top
    const room = Math.min(300, box.scrollTop)
    box.scrollTop -= 300
    await frame()
    await frame()
    const moved = held.getBoundingClientRect().top - before
    if (Math.abs(moved - room) > 80) jumps.push(Math.round(moved - room))
    if (!room && box.scrollTop == 0) break
  }
  return jumps
}
