import { act, cleanup, fireEvent, render, screen } from "@testing-library/react"
import { afterEach, describe, expect, it, vi } from "vitest"
import type { ClientState } from "../types"
import { DexraChat, DexraProvider, Launcher } from "./index"
import { aMessage, aSummary, INBOX, ONLINE, scriptedClient, scriptedConversation } from "./scripted"

afterEach(cleanup)

function show(state: Partial<ClientState> = ONLINE, ...conversations: ReturnType<typeof scriptedConversation>[]) {
  const client = scriptedClient(state, ...conversations)
  render(
    <DexraProvider client={client}>
      <DexraChat />
    </DexraProvider>,
  )
  return client
}

const talk = (text: string, change = {}) =>
  scriptedConversation({ summary: aSummary(change), messages: [aMessage({ text })] })

describe("the chat says", () => {
  it.each([
    ["identity_required", "Please sign in to chat."],
    ["origin_not_allowed", "Chat is not available on this site."],
    ["inbox_not_found", "Chat is not set up here."],
    ["session_expired", "Your session has ended."],
  ])("what stopped it: %s", (code, says) => {
    const client = show({ connection: "stopped", error: { code, message: "" } })
    expect(screen.getByRole("alert").textContent).toContain(says)
    fireEvent.click(screen.getByRole("button", { name: "Try again" }))

    expect(client.calls).toEqual(["start", "start"])
    expect(screen.queryByRole("textbox")).toBeNull()
  })

  it.each([
    [{ connection: "offline" }, "No connection. What you write will be sent when it is back."],
    [{ connection: "polling" }, ""],
    [{ inbox: { ...INBOX, is_open: false } }, /out of office/],
  ] as const)("what stands in the way: %o", (state, says) => {
    show({ ...ONLINE, ...(state as Partial<ClientState>) })
    const banner = screen.getAllByRole("status")[0]!
    if (typeof says == "string") expect(banner.textContent).toBe(says)
    else expect(banner.textContent).toMatch(says)
  })

  it("that the browser stores nothing", () => {
    const client = show()
    act(() => client.emit("error", { code: "storage_unavailable", message: "" }))
    expect(screen.getAllByRole("status")[0]!.textContent).toMatch(/stores nothing/)
  })

  it("that who this is could not be asked, and nothing of a connection", () => {
    show({ connection: "offline", error: { code: "identity_unavailable", message: "404" } })
    expect(screen.getByText("You could not be signed in to chat.").closest("[role=status]")).not.toBeNull()
  })

  it("in the console what whoever built the page has to know", () => {
    const warn = vi.spyOn(console, "warn").mockImplementation(() => {})
    const client = show()
    act(() => client.emit("error", { code: "inbox_not_found", message: "There is no inbox 'x'." }))

    expect(warn.mock.calls).toEqual([["[dexra] inbox_not_found: There is no inbox 'x'."]])
    warn.mockRestore()
  })

  it("that this is a test, only where it is one", () => {
    const client = show(ONLINE)
    expect(screen.queryByText("Test mode")).toBeNull()
    act(() => client.state.set({ livemode: false }))
    expect(screen.getByText("Test mode")).toBeDefined()
  })

  it("that a conversation is closed, and begins another", () => {
    show(ONLINE, talk("Bye", { status: "closed" }))
    fireEvent.click(screen.getByRole("button", { name: "Start a new one" }))

    expect(screen.queryByText("Bye")).toBeNull()
    expect(screen.getByRole<HTMLTextAreaElement>("textbox").disabled).toBe(false)
  })
})

describe("conversations", () => {
  const several = () =>
    show(
      { ...ONLINE, conversations: [aSummary(), aSummary({ id: "conv_2", subject: "Invoice", unread_count: 2 })] },
      talk("First"),
      talk("Second", { id: "conv_2" }),
    )

  it("are listed when there are several, and one is opened by a click", () => {
    several()
    expect(screen.getByText("First")).toBeDefined()
    fireEvent.click(screen.getByRole("button", { name: /Invoice.*2 unread messages/ }))

    expect(screen.getByText("Second")).toBeDefined()
    expect(screen.getByRole("button", { name: /Invoice/ }).getAttribute("aria-current")).toBe("true")
  })

  it("that are closed can be gone back to from a new one", () => {
    const closed = aSummary({ id: "conv_2", subject: "Invoice", status: "closed" })
    show({ ...ONLINE, conversations: [closed] }, scriptedConversation(), talk("Paid", closed))
    fireEvent.click(screen.getByRole("button", { name: /Invoice/ }))

    expect(screen.getByText("Paid")).toBeDefined()
  })

  it("stay on screen when the client thinks of another", () => {
    const client = several()
    client.current = () => client.known.get("conv_2")!
    act(() => client.state.set({ unread: 9 }))

    expect(screen.getByText("First")).toBeDefined()
  })

  it("give way to the current one while nothing was said, and take along what was begun", () => {
    const client = show()
    fireEvent.change(screen.getByRole("textbox"), { target: { value: "Begun" } })
    const loaded = talk("From before")
    client.current = () => loaded
    act(() => client.state.set({ unread: 1 }))

    expect(screen.getByText("From before")).toBeDefined()
    expect(screen.getByRole<HTMLTextAreaElement>("textbox").value).toBe("Begun")
  })

  it("are forgotten with who they belonged to", () => {
    const client = several()
    const nobody = scriptedConversation()
    client.current = () => nobody
    act(() => client.emit("reset", null))

    expect(screen.queryByText("First")).toBeNull()
  })
})

describe("the launcher", () => {
  function launch(unread = 0) {
    const client = scriptedClient({ ...ONLINE, unread })
    render(
      <DexraProvider client={client}>
        <Launcher />
      </DexraProvider>,
    )
    return { client, button: screen.getByRole("button", { name: /^Open chat/ }) }
  }

  it("is a button that says how much is new", () => {
    const { button } = launch(3)
    expect(button.getAttribute("aria-label")).toBe("Open chat, 3 unread messages")
    expect(button.getAttribute("aria-expanded")).toBe("false")
    expect(document.getElementById(button.getAttribute("aria-controls")!)!.tagName).toBe("DIALOG")
  })

  it("opens a dialog with the composer in focus", () => {
    const { button } = launch()
    fireEvent.click(button)

    expect(button.getAttribute("aria-expanded")).toBe("true")
    expect(screen.getByRole("dialog", { name: "Chat" })).toBeDefined()
    expect(document.activeElement).toBe(screen.getByRole("textbox"))
  })

  it("closes with Escape and gives the focus back", () => {
    const { button } = launch()
    fireEvent.click(button)
    fireEvent.keyDown(screen.getByRole("textbox"), { key: "Escape" })

    expect(screen.queryByRole("textbox")).toBeNull()
    expect(document.activeElement).toBe(button)
  })

  it("tells what is new without moving the focus", () => {
    const { client } = launch()
    act(() => client.state.set({ unread: 1 }))

    expect(screen.getByRole("status").textContent).toBe("1 unread message")
    expect(document.activeElement).toBe(document.body)
  })

  it("is opened and closed by the page when it says so", () => {
    const asked: boolean[] = []
    const client = scriptedClient()
    const drawn = (isOpen: boolean) => (
      <DexraProvider client={client}>
        <Launcher isOpen={isOpen} onOpenChange={(next) => asked.push(next)} />
      </DexraProvider>
    )
    const { rerender } = render(drawn(true))
    expect(screen.getByRole("textbox")).toBeDefined()
    fireEvent.click(screen.getAllByRole("button", { name: "Close chat" })[0]!)
    expect(screen.getByRole("textbox")).toBeDefined()
    rerender(drawn(false))

    expect(asked).toEqual([false])
    expect(screen.queryByRole("textbox")).toBeNull()
  })

  it("stays as it is when the page draws it anew, and gives the focus back to the page's own button", () => {
    const client = scriptedClient()
    const opener = document.body.appendChild(document.createElement("button"))
    const drawn = (isOpen: boolean) => (
      <DexraProvider client={client}>
        <Launcher isOpen={isOpen} onOpenChange={() => undefined} isButtonHidden />
      </DexraProvider>
    )
    const { rerender } = render(drawn(false))
    opener.focus()
    rerender(drawn(true))
    const attach = screen.getByRole("button", { name: "Attach files" })
    attach.focus()
    rerender(drawn(true))
    expect(document.activeElement).toBe(attach)
    rerender(drawn(false))

    expect(document.activeElement).toBe(opener)
    opener.remove()
  })

  it("goes where it is told to", () => {
    const place = document.body.appendChild(document.createElement("aside"))
    render(
      <DexraProvider client={scriptedClient()} portal={place}>
        <Launcher />
      </DexraProvider>,
    )
    expect(place.querySelector("button")).not.toBeNull()
    place.remove()
  })
})
