/** The page without a build, as it is in the examples: its snippet, against the running product. */

import { readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { BASE_URL } from "../playwright.config"
import { Chat, expect, test } from "./support"

const PAGE = fileURLToPath(new URL("../../examples/plain-page/index.html", import.meta.url))

test("the plain page opens the chat, and who writes is known by what SBUser was given", async ({
  page,
  site,
  inbox,
  business,
}) => {
  const written = readFileSync(PAGE, "utf8")
  const html = written.replace("http://127.0.0.1:8000/", `${BASE_URL}/`).replace("INBOX_IDENTIFIER", inbox.identifier)
  expect(html).toContain(`src="${BASE_URL}/sdk/loader.js"`)
  await page.goto(site.page("/", html))
  const chat = new Chat(page)
  await chat.launcher.waitFor()

  await page.getByRole("button", { name: "Ask us" }).click()
  await chat.say("Hello")

  await expect.poll(async () => (await business.heard(inbox)).map((one) => one.text)).toEqual(["Hello"])
  const { user } = await business.conversation(inbox)
  await expect
    .poll(() => business.call("GET", `/v1/users/${user.id}`))
    .toMatchObject({
      first_name: "Amine",
      user_type: "premium",
      custom_attributes: { subscription_expiry: "2026-12-31", account_manager: "Sarah" },
    })
})
