/** Two people talk: one in a page, one on the business's side; and one person with two browsers. */

import { chromium } from "@playwright/test"
import { signIdentity } from "../src/server/identity"
import { Chat, expect, pageWith, tag, test } from "./support"

test("a person writes, the business answers, and both are seen", async ({ chat, business, inbox }) => {
  await chat.open()
  await chat.say("Hello, is anybody there?")
  await expect(chat.shows("Hello, is anybody there?")).toBeVisible()
  await expect
    .poll(async () => (await business.heard(inbox)).map((one) => one.text))
    .toEqual(["Hello, is anybody there?"])

  await business.answer(inbox, "Yes, how can we help?")

  await expect(chat.shows("Yes, how can we help?")).toBeVisible()
})

test("an answer that comes while the chat is closed is counted on the button", async ({ chat, business, inbox }) => {
  await chat.open()
  await chat.say("Hello")
  await expect.poll(async () => (await business.heard(inbox)).length).toBe(1)
  await chat.launcher.page().keyboard.press("Escape")

  await business.answer(inbox, "Yes?")

  await expect(chat.launcher).toHaveAccessibleName(/1/)
  await chat.open()
  await expect(chat.shows("Yes?")).toBeVisible()
  await chat.page.keyboard.press("Escape")
  await expect(chat.launcher).not.toHaveAccessibleName(/1/)
})

test("what was said is there again after a reload", async ({ chat, business, inbox }) => {
  await chat.open()
  await chat.say("Remember me")
  await expect.poll(async () => (await business.heard(inbox)).length).toBe(1)

  await chat.page.reload()
  await chat.open()

  await expect(chat.shows("Remember me")).toBeVisible()
})

test("one person in two browsers sees the same in both, once", async ({ site, inbox, business, launchOptions }) => {
  const [identifier, email] = [`customer-${inbox.identifier}`, `amine-${inbox.identifier}@example.ma`]
  const token = signIdentity({ identifier, first_name: "Amine", email }, inbox.hmac_token)
  const url = site.page("/", pageWith(tag(inbox, { "data-token": token })))
  const browsers = await Promise.all([chromium.launch(launchOptions), chromium.launch(launchOptions)])
  const [one, other] = (await Promise.all(
    browsers.map(async (browser) => {
      const page = await browser.newPage()
      await page.goto(url)
      return new Chat(page).open()
    }),
  )) as [Chat, Chat]

  await one.say("From the first")
  await expect(other.shows("From the first")).toBeVisible()
  await other.say("From the second")
  await expect(one.shows("From the second")).toBeVisible()
  await business.answer(inbox, "To both")

  for (const chat of [one, other]) {
    await expect(chat.shows("To both")).toBeVisible()
    for (const text of ["From the first", "From the second", "To both"]) await expect(chat.shows(text)).toHaveCount(1)
  }
  const { user } = await business.conversation(inbox)
  expect([user.external_id, user.email, user.verified]).toEqual([identifier, email.toLowerCase(), true])
  await Promise.all(browsers.map((browser) => browser.close()))
})

test("a file is sent with what it is called, and a picture is shown", async ({ chat, business, inbox }) => {
  await chat.open()
  const png = Buffer.from(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==",
    "base64",
  )
  await chat.page.locator('input[type="file"]').setInputFiles([
    { name: "plan.png", mimeType: "image/png", buffer: png },
    { name: "terms.pdf", mimeType: "application/pdf", buffer: Buffer.from("%PDF-1.4\n%%EOF\n") },
  ])
  await chat.say("Here is the plan")

  await expect(chat.log.getByText("terms.pdf")).toBeVisible()
  await expect
    .poll(async () =>
      (await business.heard(inbox)).flatMap((one) => one.attachments.map((file: any) => file.filename)).sort(),
    )
    .toEqual(["plan.png", "terms.pdf"])
  const shown = chat.log.locator("img").first()
  await expect.poll(() => shown.evaluate((image: HTMLImageElement) => image.naturalWidth)).toBe(1)
})

test("the customers' snippet gives the agent what the app knows", async ({ page, site, inbox, business }) => {
  const email = `amine-${inbox.identifier}@example.ma`.toLowerCase()
  const snippet = `<script>
    document.addEventListener("SBInit", function () {
      const user = new SBUser(
        { first_name: "Amine", email: "${email}", user_type: "premium" },
        { subscription_expiry: "2026-12-31", account_manager: "Sarah" },
      )
      user.update()
    })
  </script>`
  await page.goto(site.page("/", pageWith(snippet, tag(inbox))))
  const chat = await new Chat(page).open()
  await chat.say("Hello")

  await expect.poll(async () => (await business.heard(inbox)).length).toBe(1)
  const expected = {
    ...{ first_name: "Amine", email, user_type: "premium", verified: false },
    custom_attributes: { subscription_expiry: "2026-12-31", account_manager: "Sarah" },
  }
  await expect(async () => expect((await business.conversation(inbox)).user).toMatchObject(expected)).toPass()
})

test("who writes is shown while they write, and the assistant's words as they come", async ({
  chat,
  business,
  inbox,
}) => {
  await chat.open()
  await chat.say("Where is my order?")
  await expect.poll(async () => (await business.heard(inbox)).length).toBe(1)
  const { id } = await business.conversation(inbox)

  await business.call("POST", `/v1/conversations/${id}/ai-state`, { state: "writing", text: "Your order is on" })
  await expect(chat.page.getByText("Your order is on")).toBeVisible()

  await business.answer(inbox, "Your order is on its way.")
  await expect(chat.shows("Your order is on its way.")).toBeVisible()
  await expect(chat.page.getByText("Your order is on", { exact: true })).toBeHidden()
})

test("a form of the business is filled in, and its answer is there", async ({ chat, business, inbox }) => {
  await chat.open()
  await chat.say("I want the blue one")
  await expect.poll(async () => (await business.heard(inbox)).length).toBe(1)
  const form = [{ name: "size", label: "Your size", type: "text", required: true }]
  await business.answer(inbox, "Which size?", { rich: { form, button_label: "Order" } })

  await chat.page.getByLabel("Your size").fill("Small")
  await chat.page.getByRole("button", { name: "Order" }).click()

  const answers = async () => (await business.heard(inbox))[1]?.payload.rich.submitted_values
  await expect.poll(answers).toEqual([{ name: "size", title: "Your size", value: "Small" }])
  await expect(chat.page.getByRole("button", { name: "Order" })).toBeHidden()
})
