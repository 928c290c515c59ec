import { afterEach, beforeEach, expect, it, vi } from "vitest"
import { localeOf, settingsOf } from "./settings"

const page = window as any

beforeEach(() => {
  Object.assign(globalThis, { __FILE__: "dexra.0123456789abcdef.js", __INTEGRITY__: "sha384-x" })
  vi.resetModules()
  vi.useFakeTimers()
  document.head.innerHTML = ""
  delete page.dexra
})
afterEach(() => void vi.useRealTimers())

/** Put the customers' tag into the page and run what it loads. */
async function paste(attributes = "") {
  document.head.innerHTML = `<script id="sbinit" type="x" src="https://chat.example.com/sdk/loader.js" ${attributes}></script>`
  const appended: HTMLScriptElement[] = []
  vi.spyOn(document.head, "append").mockImplementation(
    (...nodes) => void appended.push(...(nodes as HTMLScriptElement[])),
  )
  await import("./loader")
  return appended
}

it("fetches the one file whose hash it knows, from where it came", async () => {
  const [script] = await paste()
  expect(script!.src).toBe("https://chat.example.com/sdk/files/dexra.0123456789abcdef.js")
  expect([script!.integrity, script!.crossOrigin]).toEqual(["sha384-x", "anonymous"])
})

it("keeps what the page asks for until the chat is there, in order", async () => {
  await paste()
  void page.dexra.open()
  void page.dexra.update({ name: "Amine" })
  expect(page.dexra.queue.map(([name, words]: unknown[]) => [name, words])).toEqual([
    ["open", []],
    ["update", [{ name: "Amine" }]],
  ])
})

it("tries again when the file does not come, and then says so", async () => {
  const report = vi.spyOn(console, "error").mockImplementation(() => {})
  const appended = await paste()
  for (const expected of [1, 2, 3]) {
    expect(appended).toHaveLength(expected)
    appended.at(-1)!.onerror!(new Event("error"))
    await vi.advanceTimersByTimeAsync(10_000)
  }
  expect(appended).toHaveLength(3)
  expect(report.mock.calls[0]![0]).toMatch(/could not be loaded/)
})

it("does nothing when it is in the page twice", async () => {
  const first = await paste()
  vi.resetModules()
  await import("./loader")
  expect(first).toHaveLength(1)
})

it("reads settings from the tag, and from the page, which wins", async () => {
  await paste('data-inbox="abc" data-theme="dark" data-identifier="42" data-identifier-hash="ff" data-hide-launcher=""')
  const tag = document.getElementById("sbinit")
  expect(settingsOf(tag, { theme: "light" })).toEqual({
    inbox: "abc",
    theme: "light",
    hideLauncher: true,
    identity: { identifier: "42", identifierHash: "ff" },
    baseUrl: "https://chat.example.com",
  })
})

it("speaks the page's language when none is named", () => {
  document.documentElement.lang = "ar"
  expect(localeOf({})).toBe("ar")
  expect(localeOf({ locale: "fr" })).toBe("fr")
  document.documentElement.lang = ""
})

it("believes no element of the page that is called currentScript", async () => {
  const picture = Object.assign(document.createElement("img"), { src: "https://evil.example/sdk/x.png" })
  const said = vi.spyOn(document, "currentScript", "get").mockReturnValue(picture as any)
  const [script] = await paste()
  said.mockRestore()
  expect(script!.src).toMatch(/^https:\/\/chat\.example\.com\//)
})

it("comes although the page has an element of its name", async () => {
  page.dexra = document.createElement("section")
  expect(await paste()).toHaveLength(1)
})
