import { describe, expect, it } from "vitest"
import { linkify, safeHref, safeSource } from "./links"

const hrefs = (text: string) => linkify(text).flatMap(({ href }) => href ?? [])

describe("linkify", () => {
  it("loses nothing of a text", () => {
    const text = "See https://a.example/x?y=1#z, or write to me@b.example.\nBye www.c.example!"
    expect(
      linkify(text)
        .map((piece) => piece.text)
        .join(""),
    ).toBe(text)
  })

  it("finds addresses with and without a scheme", () => {
    expect(hrefs("http://a.example www.b.example me@c.example tel:+123")).toEqual([
      "http://a.example",
      "https://www.b.example",
      "mailto:me@c.example",
      "tel:+123",
    ])
  })

  it("leaves the end of the sentence out of the address", () => {
    expect(hrefs("(https://a.example/x). «https://b.example»؟")).toEqual(["https://a.example/x", "https://b.example"])
  })

  it("keeps a bracket that was opened in the address", () => {
    expect(hrefs("https://a.example/x_(y)")).toEqual(["https://a.example/x_(y)"])
  })

  it("makes no link of what may not be followed", () => {
    expect(hrefs("javascript:alert(1) data:text/html,x file:///etc a.b.c 10.5")).toEqual([])
  })

  it("is quick with a text made to be slow", () => {
    const begun = performance.now()
    linkify("a".repeat(100_000) + "@")
    linkify("www." + ".".repeat(100_000) + "x")
    linkify("a@b" + ".c".repeat(100_000) + "@")
    expect(performance.now() - begun).toBeLessThan(3000) // seconds, where it would be minutes
  })
})

describe("addresses", () => {
  it("follows http, https, mailto and tel and nothing else", () => {
    const given = [
      "https://a",
      "HTTP://a",
      "mailto:a",
      "tel:1",
      "javascript:1",
      " javascript:1",
      "//a",
      "/a",
      "",
      null,
      {},
    ]
    expect(given.map((each) => safeHref(each) != null)).toEqual([
      true, true, true, true, false, false, false, false, false, false, false,
    ]) // prettier-ignore
  })

  it("loads pictures from http, this site and this page's memory", () => {
    const given = ["https://a", "blob:x", "/files/1", "//a", "data:image/svg+xml,x", "javascript:1"]
    expect(given.map((each) => safeSource(each) != null)).toEqual([true, true, true, false, false, false])
  })
})
