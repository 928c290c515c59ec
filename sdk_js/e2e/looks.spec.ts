/** How it looks and reads to everybody: languages, directions, small screens, machines that read aloud. */

import { readFileSync } from "node:fs"
import { createRequire } from "node:module"
import type { Page } from "@playwright/test"
import { Chat, expect, pageWith, tag, test } from "./support"

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8")

/** What axe finds wrong with the chat; it looks into open shadow roots. */
async function violations(page: Page): Promise<string[]> {
  await page.evaluate(axe)
  return page.evaluate(async () => {
    const found = await (window as any).axe.run(["#dexra"])
    return found.violations.flatMap((one: any) => one.nodes.map((node: any) => `${one.id}: ${node.target.join(" ")}`))
  })
}

const WORDS = { en: "Hello", fr: "Bonjour", ar: "مرحبًا" } as const

for (const [locale, hello] of Object.entries(WORDS)) {
  for (const [width, height] of [
    [1280, 800],
    [320, 640],
  ] as const) {
    test(`${locale} at ${width} pixels has its direction, fits, and axe finds nothing`, async ({
      page,
      site,
      inbox,
      business,
    }, info) => {
      await page.setViewportSize({ width, height })
      await page.goto(site.page("/", pageWith(tag(inbox, { "data-locale": locale }))))
      const chat = new Chat(page)
      await chat.launcher.waitFor()
      expect(await violations(page)).toEqual([])

      await chat.open()
      await chat.say(hello)
      await expect.poll(async () => (await business.heard(inbox)).length).toBe(1)
      await business.answer(inbox, hello)
      await expect(chat.shows(hello)).toHaveCount(2)

      const direction = await chat.log.evaluate((log) => getComputedStyle(log).direction)
      expect(direction).toBe(locale == "ar" ? "rtl" : "ltr")
      const isTooWide = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth)
      expect(isTooWide).toBe(false)
      expect(await violations(page)).toEqual([])
      await page.screenshot({ path: info.outputPath(`${locale}-${width}.png`) })
    })
  }
}

test("with the keyboard alone a person opens, writes, closes and is back where they were", async ({
  chat,
  page,
  business,
  inbox,
}) => {
  await chat.launcher.focus()
  await page.keyboard.press("Enter")
  await chat.input.waitFor()
  await expect(chat.input).toBeFocused()
  await page.keyboard.type("By keys alone")
  await page.keyboard.press("Enter")
  await expect.poll(async () => (await business.heard(inbox)).length).toBe(1)
  await page.keyboard.press("Escape")
  await expect(chat.launcher).toBeFocused()
})

test("an answer does not take the focus away", async ({ chat, page, business, inbox }) => {
  await chat.open()
  await chat.say("Hello")
  await expect.poll(async () => (await business.heard(inbox)).length).toBe(1)
  await page.keyboard.type("half a sent")
  await business.answer(inbox, "Yes?")
  await expect(chat.shows("Yes?")).toBeVisible()
  await expect(chat.input).toBeFocused()
  await expect(chat.input).toHaveValue("half a sent")
})

test("the inbox says how the chat looks where the page does not", async ({ page, site, business }) => {
  const appearance = { accent: "#0a7a4b", theme: "dark", position: "start", locale: "fr" }
  const inbox = await business.createInbox({ settings: { appearance } })
  const green = "rgb(10, 122, 75)"
  const colour = () => page.locator(".dx-launch").evaluate((button) => getComputedStyle(button).backgroundColor)
  await page.goto(site.page("/", pageWith(tag(inbox)).replace(' lang="en"', "")))
  await expect.poll(colour).toBe(green)
  await expect(page.locator(".dx-launcher.dx-start[lang=fr][data-dx-theme=dark]")).toBeAttached()

  await page.goto(site.page("/says", pageWith(tag(inbox, { "data-accent": "#aa2200", "data-theme": "light" }))))
  await expect(page.locator(".dx-launcher.dx-start[lang=en][data-dx-theme=light]")).toBeAttached()
  expect(await colour()).toBe("rgb(170, 34, 0)")
})

test("the inbox greets once, above what is said first", async ({ page, site, business }) => {
  const greeting = "Welcome, ask away"
  const inbox = await business.createInbox({ greeting_enabled: true, greeting_message: greeting })
  await page.goto(site.page("/", pageWith(tag(inbox))))
  const chat = await new Chat(page).open()
  await expect(chat.shows(greeting)).toHaveCount(1)

  await chat.say("Hello")
  await expect.poll(async () => (await business.heard(inbox)).map((one) => one.text)).toEqual(["Hello", greeting])

  await expect(page.getByRole("article").locator("p")).toHaveText([greeting, "Hello"])
})

test("the element fills what the page gives it", async ({ page, site, inbox }) => {
  const sized = `<dexra-chat style="height: 420px; width: 380px"></dexra-chat>`
  await page.goto(site.page("/", pageWith(sized + tag(inbox, { "data-hide-launcher": "" }))))
  const chat = page.locator("dexra-chat .dx-chat")
  await chat.waitFor()
  expect(await chat.evaluate((drawn) => [drawn.clientWidth, drawn.clientHeight])).toEqual([380, 420])
})

test("the element draws the chat inside of a page, in the page's language", async ({ page, site, inbox, business }) => {
  await page.goto(
    site.page("/", pageWith(`<dexra-chat locale="fr"></dexra-chat>${tag(inbox, { "data-hide-launcher": "" })}`)),
  )
  const chat = new Chat(page)
  await chat.input.waitFor()
  await expect(chat.launcher).toBeHidden()
  await chat.say("Bonjour")
  await expect.poll(async () => (await business.heard(inbox)).map((one) => one.text)).toEqual(["Bonjour"])
})
