import { describe, expect, it } from "vitest"
import { greetedFirst, rowsOf } from "./rows"
import { ADA, aMessage, aSummary, ROBOT } from "./scripted"

const at = (time: string) => ({ created_at: `2026-03-01T${time}:00Z` })

describe("rows", () => {
  it("puts together what one author said within five minutes", () => {
    const rows = rowsOf([aMessage(at("10:00")), aMessage(at("10:04")), aMessage(at("10:20"))], null, null)
    expect(rows.map((row) => [row.isFirst, row.isLast])).toEqual([
      [true, false],
      [false, true],
      [true, true],
    ])
  })

  it("keeps an agent and the assistant apart", () => {
    const rows = rowsOf([aMessage(at("10:00")), aMessage({ ...at("10:01"), author: ROBOT })], null, null)
    expect(rows.every((row) => row.isFirst && row.isLast)).toBe(true)
  })

  it("lets what failed say so itself", () => {
    const own = { ...at("10:00"), direction: "inbound" } as const
    const rows = rowsOf([aMessage({ ...own, status: "failed" }), aMessage({ ...own, status: "queued" })], null, null)
    expect(rows.map((row) => row.isLast)).toEqual([true, true])
  })

  it("begins each day once", () => {
    const days = ["01", "01", "02"].map((day) => aMessage({ created_at: `2026-03-${day}T12:00:00Z` }))
    expect(rowsOf(days, null, null).map((row) => row.day != null)).toEqual([true, false, true])
  })

  it("marks the first message that was not seen, and none of this person's own", () => {
    const messages = [
      aMessage(at("10:00")),
      aMessage({ ...at("10:02"), direction: "inbound" }),
      aMessage(at("10:03")),
      aMessage(at("10:04")),
    ]
    expect(rowsOf(messages, null, "2026-03-01T10:01:00Z").map((row) => row.isNew)).toEqual([false, false, true, false])
  })

  it("marks the very first where nothing was ever seen", () => {
    expect(rowsOf([aMessage({ author: ADA })], null, "")[0]!.isNew).toBe(true)
  })

  it("has seen what was said before an agent looked", () => {
    const messages = [aMessage(at("10:00")), aMessage(at("10:05"))]
    const rows = rowsOf(messages, aSummary({ agents_seen_at: "2026-03-01T10:03:00Z" }), null)
    expect(rows.map((row) => row.isSeen)).toEqual([true, false])
  })
})

describe("a greeting", () => {
  const own = aMessage({ ...at("10:00"), direction: "inbound" })
  const greeting = aMessage({ ...at("10:00"), text: "Welcome", author: { ...ROBOT, type: "system" } })
  const answer = aMessage(at("10:05"))

  it("that was on screen before the first word stays above it", () => {
    expect(greetedFirst([own, greeting, answer], "Welcome")).toEqual([greeting, own, answer])
  })

  it.each([
    ["is alone", [own]],
    ["is followed by what a person answers", [own, answer]],
    ["is answered with other words", [own, { ...greeting, text: "We are closed." }]],
    ["is answered by an agent in the same words", [own, { ...greeting, author: ADA }]],
  ] as const)("moves nothing where the first word %s", (_, messages) => {
    expect(greetedFirst(messages, "Welcome")).toBe(messages)
  })
})
