import { cleanup, createEvent, fireEvent, render, screen } from "@testing-library/react"
import { afterEach, describe, expect, it } from "vitest"
import { DexraError } from "../errors"
import type { ClientState } from "../types"
import { Composer, DexraProvider } from "./index"
import { aSummary, INBOX, ONLINE, scriptedClient, scriptedConversation } from "./scripted"

afterEach(cleanup)

function show(state: Partial<ClientState> = ONLINE, conversation = scriptedConversation()) {
  const client = scriptedClient(state, conversation)
  const drawn = (
    <DexraProvider client={client}>
      <Composer />
    </DexraProvider>
  )
  const { rerender, unmount } = render(drawn)
  const field = () => screen.getByRole<HTMLTextAreaElement>("textbox")
  const sent = () => conversation.calls.filter(([name]) => name == "send").map(([, draft]) => draft)
  return { client, conversation, field, sent, unmount, again: () => rerender(drawn), drawn }
}

const write = (field: HTMLElement, value: string) => fireEvent.change(field, { target: { value } })
const aFile = (name: string, size = 3) => new File(["x".repeat(size)], name)
const fileInput = () => document.querySelector<HTMLInputElement>("input[type=file]")!

describe("the composer", () => {
  it("sends with Enter and is empty again", () => {
    const { field, sent } = show()
    write(field(), " Hello ")
    fireEvent.keyDown(field(), { key: "Enter" })

    expect(sent()).toEqual([{ text: "Hello", files: [] }])
    expect(field().value).toBe("")
  })

  it("breaks the line with Shift and Enter", () => {
    const { field, sent } = show()
    write(field(), "Hello")
    const event = createEvent.keyDown(field(), { key: "Enter", shiftKey: true })
    fireEvent(field(), event)

    expect(event.defaultPrevented).toBe(false)
    expect(sent()).toEqual([])
  })

  it("leaves Enter to an input method that is at work", () => {
    const { field, sent } = show()
    write(field(), "にほん")
    fireEvent.keyDown(field(), { key: "Enter", isComposing: true })
    fireEvent.keyDown(field(), { key: "Enter", keyCode: 229 })

    expect(sent()).toEqual([])
  })

  it("sends nothing where nothing was written", () => {
    const { field, sent } = show()
    write(field(), "  \n ")
    fireEvent.keyDown(field(), { key: "Enter" })

    expect(sent()).toEqual([])
    expect(screen.getByRole<HTMLButtonElement>("button", { name: "Send" }).disabled).toBe(true)
  })

  it("tells that somebody writes, and that they stopped", () => {
    const { field, conversation } = show()
    write(field(), "H")
    write(field(), "")
    fireEvent.blur(field())

    expect(conversation.calls.filter(([name]) => name == "typing").map(([, is]) => is)).toEqual([true, false, false])
  })

  it("keeps what was begun when it is taken off the screen", () => {
    const { field, unmount, drawn } = show()
    write(field(), "Half a sen")
    unmount()
    render(drawn)

    expect(field().value).toBe("Half a sen")
  })

  it("counts near the limit and refuses beyond it", () => {
    const { field, sent } = show()
    write(field(), "x".repeat(1900))
    expect(screen.getByText("1,900 of 2,000 characters")).toBeDefined()
    write(field(), "x".repeat(2001))
    fireEvent.keyDown(field(), { key: "Enter" })

    expect(sent()).toEqual([])
  })

  it("says why nothing can be written", () => {
    const { field } = show({ ...ONLINE, error: { code: "user_blocked", message: "" } })

    expect(field().disabled).toBe(true)
    expect(document.getElementById(field().getAttribute("aria-describedby")!)!.textContent).toBe(
      "You cannot send messages here.",
    )
  })

  it("says in its own language that something went wrong where it does not know the code", () => {
    show({ connection: "stopped", error: { code: "new_code", message: "Ask an administrator." } })
    expect(screen.getByText("Something went wrong.")).toBeDefined()
  })

  it("is closed with its conversation", () => {
    const { field } = show(ONLINE, scriptedConversation({ summary: aSummary({ status: "closed" }) }))
    expect(field().disabled).toBe(true)
  })

  it("can be used while there is no connection", () => {
    const { field } = show({ ...ONLINE, connection: "offline" })
    expect(field().disabled).toBe(false)
  })

  it("says what the client refused and keeps what was written", () => {
    const { field, conversation } = show()
    conversation.refusal = new DexraError("file_type_not_allowed", "")
    write(field(), "Hello")
    fireEvent.keyDown(field(), { key: "Enter" })

    expect(screen.getByRole("alert").textContent).toBe("Files of this kind are not taken.")
    expect(field().value).toBe("Hello")
  })
})

describe("files", () => {
  it("are attached, taken away and sent without words", () => {
    const { sent } = show()
    const [a, b] = [aFile("a.pdf"), aFile("b.pdf")]
    fireEvent.change(fileInput(), { target: { files: [a, b] } })
    fireEvent.click(screen.getByRole("button", { name: "Remove a.pdf" }))
    fireEvent.click(screen.getByRole("button", { name: "Send" }))

    expect(sent()).toEqual([{ text: "", files: [b] }])
    expect(screen.queryByText("b.pdf")).toBeNull()
  })

  it("are refused when too large, with the limit", () => {
    show({ ...ONLINE, inbox: { ...INBOX, limits: { ...INBOX.limits, file_bytes: 5000 } } })
    fireEvent.change(fileInput(), { target: { files: [aFile("big.bin", 5001), aFile("ok.bin")] } })

    expect(screen.getByRole("alert").textContent).toBe("big.bin is larger than 5 kB.")
    expect(screen.getByText("ok.bin")).toBeDefined()
  })

  it("are as many as one message takes", () => {
    show()
    fireEvent.change(fileInput(), { target: { files: ["a", "b", "c", "d"].map((name) => aFile(name)) } })

    expect(screen.getByRole("alert").textContent).toBe("At most 3 files in one message.")
    expect(screen.queryByText("d")).toBeNull()
  })

  it("come by pasting; pasted words are left to the field", () => {
    const { field } = show()
    const pasting = (files: File[], ...types: string[]) =>
      createEvent.paste(field(), { clipboardData: { files, types } })
    const words = pasting([], "text/plain", "text/html")
    const picture = pasting([aFile("p.png")], "text/html", "Files")
    const file = pasting([aFile("f.pdf")], "text/plain", "Files")
    const cells = pasting([aFile("cells.png")], "text/html", "text/plain", "Files")
    for (const each of [words, picture, file, cells]) fireEvent(field(), each)

    const isTaken = [words, picture, file, cells].map((each) => each.defaultPrevented)
    expect(isTaken).toEqual([false, true, true, false])
    expect(["p.png", "f.pdf", "cells.png"].filter((name) => screen.queryByText(name))).toEqual(["p.png", "f.pdf"])
  })

  it("come by dropping", () => {
    const { field } = show()
    const dataTransfer = { files: [aFile("d.png")], types: ["Files"] }
    fireEvent.drop(field(), { dataTransfer })

    expect(screen.getByText("d.png")).toBeDefined()
  })

  it("are no more waited for once the chat is gone", () => {
    const { field } = show()
    const form = field().closest("form")!
    cleanup()

    expect(fireEvent.dragOver(form, { dataTransfer: { types: ["Files"] } })).toBe(true)
  })
})
