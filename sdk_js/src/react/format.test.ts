import { describe, expect, it } from "vitest"
import { ar } from "../locales/ar"
import { en } from "../locales/en"
import { fr } from "../locales/fr"
import { createFormat, directionOf, isSameDay, knownLocale } from "./format"

describe("sentences", () => {
  const { fill, plural } = createFormat("en")

  it("fills in names and writes numbers as the language does", () => {
    expect(fill("{name} of {n}", { name: "a", n: 12345 })).toBe("a of 12,345")
  })

  it("leaves a place that nothing is given for as it is", () => {
    expect(fill("{nobody}", {})).toBe("{nobody}")
  })

  it("takes the plural form of the language", () => {
    expect([0, 1, 2].map((n) => plural(en.unread, n))).toEqual([
      "0 unread messages",
      "1 unread message",
      "2 unread messages",
    ])
  })

  it("knows that French counts nothing as one", () => {
    expect(createFormat("fr").plural(fr.unread, 0)).toBe("0 message non lu")
  })

  it("has a form for each of the six in Arabic", () => {
    const said = [0, 1, 2, 3, 11, 100].map((n) => createFormat("ar").plural(ar.unread, n))
    expect(new Set(said.map((each) => each.replace(/\d+/, ""))).size).toBe(5)
    expect(said[2]).toBe("رسالتان غير مقروءتين")
  })

  it("says something in a form that a translation left out", () => {
    expect(plural({ other: "{n}!" }, 1)).toBe("1!")
  })
})

describe("dates", () => {
  const { day, when, time } = createFormat("en")
  const daysAgo = (days: number) => new Date(new Date().setHours(12) - days * 86_400_000).toISOString()

  it("says today, yesterday and then the date", () => {
    expect(day(daysAgo(0))).toBe("today")
    expect(day(daysAgo(1))).toBe("yesterday")
    expect(day(daysAgo(5))).toMatch(/day, /)
  })

  it("says the time of today and the day of what is older", () => {
    expect(when(daysAgo(0))).toBe(time(daysAgo(0)))
    expect(when(daysAgo(40))).toMatch(/^[A-Z][a-z]+ \d+$/)
  })

  it("knows two moments of one day", () => {
    expect(isSameDay(daysAgo(1), daysAgo(1))).toBe(true)
    expect(isSameDay(daysAgo(1), daysAgo(2))).toBe(false)
  })
})

describe("sizes and languages", () => {
  it("writes sizes in the unit that fits", () => {
    const { size } = createFormat("en")
    expect([900, 48_200, 10_000_000].map(size)).toEqual(["900 byte", "48.2 kB", "10 MB"])
  })

  it("writes from right to left where the language does", () => {
    expect(["ar", "ar-EG", "he", "en", "arn"].map(directionOf)).toEqual(["rtl", "rtl", "rtl", "ltr", "ltr"])
  })

  it("shows English for a language that is none", () => {
    expect(knownLocale("not a language")).toBe("en")
    expect(knownLocale("fr-ca")).toBe("fr-CA")
  })
})
