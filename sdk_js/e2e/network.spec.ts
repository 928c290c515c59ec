/** Nothing is lost or doubled when the network or the socket goes away. */

import { Chat, expect, pageWith, tag, test, textsOf } from "./support"

test("what is written in 30 seconds without a connection arrives after them, once and in order", async ({
  chat,
  business,
  inbox,
  context,
}) => {
  test.setTimeout(240_000)
  await chat.open()
  await chat.say("before")
  await expect.poll(() => textsOf(business, inbox)).toEqual(["before"])

  await context.setOffline(true)
  for (const text of ["one", "two", "three"]) await chat.say(text)
  await expect(chat.shows("three")).toBeVisible()
  await business.answer(inbox, "said meanwhile")
  await chat.page.waitForTimeout(30_000)
  await context.setOffline(false)

  await expect(chat.shows("said meanwhile")).toBeVisible({ timeout: 90_000 })
  const everything = ["before", "said meanwhile", "one", "two", "three"]
  await expect.poll(() => textsOf(business, inbox), { timeout: 90_000 }).toEqual(everything)
  for (const text of everything) await expect(chat.shows(text)).toHaveCount(1)
})

test("what waits survives the page itself", async ({ chat, business, inbox, context, page }) => {
  await chat.open()
  await chat.say("before")
  await expect.poll(() => textsOf(business, inbox)).toEqual(["before"])
  await context.setOffline(true)
  await chat.say("on a train")
  await expect(chat.shows("on a train")).toBeVisible()

  await context.setOffline(false)
  await page.reload()

  await expect.poll(() => textsOf(business, inbox), { timeout: 90_000 }).toEqual(["before", "on a train"])
})

test("where a socket cannot be had, answers come all the same", async ({ page, site, inbox, business }) => {
  await page.routeWebSocket(/\/cable/, (socket) => socket.close())
  await page.goto(site.page("/", pageWith(tag(inbox))))
  const chat = await new Chat(page).open()
  await chat.say("Hello")
  await expect.poll(() => textsOf(business, inbox)).toEqual(["Hello"])

  await business.answer(inbox, "by asking")

  await expect(chat.shows("by asking")).toBeVisible({ timeout: 90_000 })
})

test("two tabs hold one socket, and the second takes over when the first is closed", async ({
  context,
  site,
  inbox,
  business,
}) => {
  const url = site.page("/", pageWith(tag(inbox)))
  let sockets = 0
  const opened = async () => {
    const page = await context.newPage()
    page.on("websocket", () => sockets++)
    await page.goto(url)
    return new Chat(page).open()
  }
  const first = await opened()
  await first.say("Hello")
  await expect.poll(() => textsOf(business, inbox)).toEqual(["Hello"])
  const second = await opened()
  await expect(second.shows("Hello")).toBeVisible()

  await business.answer(inbox, "to both tabs")
  for (const chat of [first, second]) await expect(chat.shows("to both tabs")).toBeVisible()
  expect(sockets).toBe(1)

  await first.page.close()
  await business.answer(inbox, "to the one that is left")
  await expect(second.shows("to the one that is left")).toBeVisible({ timeout: 90_000 })
  expect(sockets).toBe(2)
})
