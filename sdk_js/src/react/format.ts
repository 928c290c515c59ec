/** Sentences, dates, numbers and sizes as a language writes them. Formatters are dear, so each is made once. */

import type { Plural } from "../locales/en"

const RIGHT_TO_LEFT = /^(ar|ckb|dv|fa|he|iw|ps|sd|ug|ur|yi)\b/i
const DAY = 86_400_000
const made = new Map<string, unknown>()

export interface Format {
  fill(text: string, values: Record<string, string | number>): string
  plural(forms: Plural, n: number, values?: Record<string, string>): string
  number(n: number): string
  time(at: string): string
  /** "today", "yesterday" or the date. */
  day(at: string): string
  /** The time of today, else the date: for lists. */
  when(at: string): string
  moment(at: string): string
  size(bytes: number): string
}

export function directionOf(locale: string): "rtl" | "ltr" {
  return RIGHT_TO_LEFT.test(locale) ? "rtl" : "ltr"
}

/** A language tag that `Intl` knows; a page's mistake shows English and breaks nothing. */
export function knownLocale(locale: string): string {
  try {
    return Intl.getCanonicalLocales(locale)[0] ?? "en"
  } catch {
    return "en"
  }
}

export function createFormat(locale: string): Format {
  const cached = <Formatter>(name: string, make: () => Formatter): Formatter => {
    const key = `${locale} ${name}`
    if (!made.has(key)) made.set(key, make())
    return made.get(key) as Formatter
  }
  const date = (name: string, options: Intl.DateTimeFormatOptions) => (at: string) =>
    cached(name, () => new Intl.DateTimeFormat(locale, options)).format(new Date(at))
  const unit = (name: string, value: number) =>
    cached(
      name,
      () =>
        new Intl.NumberFormat(locale, { style: "unit", unit: name, unitDisplay: "short", maximumFractionDigits: 1 }),
    ).format(value)
  const number = (n: number) => cached("number", () => new Intl.NumberFormat(locale)).format(n)
  const fill: Format["fill"] = (text, values) =>
    text.replace(/\{(\w+)\}/g, (whole, name) => {
      const value = values[name] ?? whole
      return typeof value == "number" ? number(value) : value
    })
  const time = date("time", { hour: "numeric", minute: "2-digit" })
  const longDate = date("long", { weekday: "long", day: "numeric", month: "long" })
  const shortDate = date("short", { day: "numeric", month: "short" })
  return {
    fill,
    number,
    time,
    plural: (forms, n, values) => {
      const category = cached("plural", () => new Intl.PluralRules(locale)).select(n)
      return fill(forms[category] ?? forms.other, { n, ...values })
    },
    day: (at) => {
      const ago = daysAgo(at)
      if (ago < 0 || ago > 1) return longDate(at)
      return cached("ago", () => new Intl.RelativeTimeFormat(locale, { numeric: "auto" })).format(-ago, "day")
    },
    when: (at) => (daysAgo(at) ? shortDate(at) : time(at)),
    moment: date("moment", { dateStyle: "long", timeStyle: "short" }),
    size: (bytes) =>
      bytes < 1000 ? unit("byte", bytes) : bytes < 1e6 ? unit("kilobyte", bytes / 1e3) : unit("megabyte", bytes / 1e6),
  }
}

export function isSameDay(a: string, b: string): boolean {
  return new Date(a).toDateString() == new Date(b).toDateString()
}

function daysAgo(at: string): number {
  const midnight = (day: Date) => day.setHours(0, 0, 0, 0)
  return Math.round((midnight(new Date()) - midnight(new Date(at))) / DAY)
}
