import { expect, it, vi } from "vitest"
import type { ClientState } from "../types"
import { looksOf } from "./looks"

vi.stubGlobal("CSS", { supports: (_: string, value: string) => /^#[0-9a-f]{6}$/.test(value) })

const looks = (appearance: unknown) => looksOf({ inbox: { appearance } } as ClientState)

it("takes what an inbox says of the chat's looks", () => {
  const said = { theme: "dark", position: "start", accent: "#0a7a4b", locale: "fr" }
  expect(looks({ ...said, more: [1] })).toEqual(said)
})

it("takes nothing that cannot be drawn, and nothing before the inbox is known", () => {
  for (const nothing of [{ theme: "pink", position: 3, accent: "url(//x)", locale: ["fr"] }, {}, null]) {
    expect(Object.values(looks(nothing)).filter((one) => one !== undefined)).toEqual([])
  }
  expect(looksOf({ inbox: null } as ClientState).theme).toBeUndefined()
})
