import { act, cleanup, fireEvent, render, screen, within } from "@testing-library/react"
import { afterEach, describe, expect, it } from "vitest"
import type { ConversationState, Message } from "../types"
import { DexraProvider, MessageList, type Components, type MessageListProps } from "./index"
import { ADA, aMessage, anAttachment, aSummary, ONLINE, ROBOT, scriptedClient, scriptedConversation } from "./scripted"

afterEach(cleanup)

function show(begin: Partial<ConversationState>, props: MessageListProps & { components?: Components } = {}) {
  const conversation = scriptedConversation(begin)
  const { components, ...rest } = props
  const { container } = render(
    <DexraProvider client={scriptedClient(ONLINE, conversation)} components={components}>
      <MessageList {...rest} />
    </DexraProvider>,
  )
  const called = (wanted: string) => conversation.calls.filter(([name]) => name == wanted)
  return { conversation, container, called }
}

const own = (change: Partial<Message> = {}) => aMessage({ direction: "inbound", status: "received", ...change })
const article = () => within(screen.getByRole("article"))

describe("a message", () => {
  it("is an article named by who and when", () => {
    show({ messages: [aMessage()] })
    expect(screen.getByRole("article").getAttribute("aria-label")).toMatch(/^Ada Byron, \d+:\d\d/)
  })

  it("is text, whatever is in it", () => {
    const { container } = show({ messages: [aMessage({ text: "<img src=x onerror=alert(1)>" })] })
    expect(container.querySelector("img")).toBeNull()
    expect(article().getByText("<img src=x onerror=alert(1)>")).toBeDefined()
  })

  it("has links that tell nothing of this page", () => {
    show({ messages: [aMessage({ text: "https://a.example" })] })
    const { href, rel, target } = screen.getByRole<HTMLAnchorElement>("link")
    expect([href, rel, target]).toEqual(["https://a.example/", "noopener noreferrer nofollow ugc", "_blank"])
  })

  it("calls the assistant so and says that it is one", () => {
    show({ messages: [aMessage({ author: ROBOT })] })
    expect(article().getByText("Assistant")).toBeDefined()
    expect(article().getByText("AI")).toBeDefined()
  })

  it.each([
    ["queued", null, "Waiting"],
    ["sending", null, "Sending"],
    ["received", null, "Sent"],
    ["received", "2999-01-01T00:00:00Z", "Seen"],
  ] as const)("that is %s (looked at: %s) says %s", (status, agents_seen_at, says) => {
    show({ messages: [own({ status })], summary: aSummary({ agents_seen_at }) })
    expect(article().getByRole("img", { name: says })).toBeDefined()
  })

  it("that failed says why, and can be tried again or deleted", () => {
    const message = own({ status: "failed", failure: { code: "file_type_not_allowed", message: "" } })
    const { called } = show({ messages: [message] })
    fireEvent.click(article().getByRole("button", { name: "Try again" }))
    fireEvent.click(article().getByRole("button", { name: "Delete" }))

    expect(article().getByText(/Files of this kind/)).toBeDefined()
    expect([...called("retry"), ...called("discard")]).toEqual([
      ["retry", message.id],
      ["discard", message.id],
    ])
  })

  it("that has lost its file cannot be tried again", () => {
    show({ messages: [own({ status: "failed", failure: { code: "file_lost", message: "" } })] })

    expect(article().getByText(/file is lost/)).toBeDefined()
    expect(article().queryByRole("button", { name: "Try again" })).toBeNull()
    expect(article().getByRole("button", { name: "Delete" })).toBeDefined()
  })

  it("that was edited says so; one that was deleted shows nothing of itself", () => {
    const at = new Date().toISOString()
    show({
      messages: [
        aMessage({ edited_at: at }),
        aMessage({ text: "secret", deleted_at: at, attachments: [anAttachment()], direction: "inbound" }),
      ],
    })
    expect(screen.getByText(/edited/)).toBeDefined()
    expect(screen.getByText("This message was deleted")).toBeDefined()
    expect(screen.queryByText("secret")).toBeNull()
    expect(screen.queryByText("a.pdf")).toBeNull()
  })
})

describe("attachments", () => {
  const attached = (change: Parameters<typeof anAttachment>[0]) =>
    show({ messages: [aMessage({ text: "", attachments: [anAttachment(change)] })] })

  it("show a picture by its name", () => {
    attached({ type: "image", url: "https://a.example/a.png", filename: "a.png", details: { width: 20, height: 10 } })
    expect(screen.getByRole<HTMLImageElement>("img", { name: "a.png" }).width).toBe(20)
  })

  it("show a file with its size", () => {
    attached({})
    expect(screen.getByRole("link", { name: /a\.pdf.*48\.2 kB/ })).toBeDefined()
  })

  it("load nothing from where nothing may be loaded", () => {
    const { container } = attached({ type: "image", url: "javascript:alert(1)", filename: "a.png" })
    expect(container.querySelector("img, a")).toBeNull()
    expect(screen.getByText("a.png")).toBeDefined()
  })

  it("show a place on a map", () => {
    attached({ type: "location", url: "geo:1,2", details: { latitude: 48.8, longitude: 2.3, name: "Shop" } })
    expect(screen.getByRole<HTMLAnchorElement>("link", { name: "Shop" }).href).toContain("mlat=48.8&mlon=2.3")
  })

  it("show a place that is none as its name", () => {
    attached({ type: "location", details: { latitude: "javascript:", longitude: null, name: "Shop" } })
    expect(screen.queryByRole("link")).toBeNull()
  })

  it("show a person's ways to be reached", () => {
    attached({ type: "contact", details: { name: "Bo", phone_numbers: ["+33 1"], emails: ["bo@a.example"] } })
    expect(screen.getAllByRole<HTMLAnchorElement>("link").map((link) => link.href)).toEqual([
      "tel:+33 1",
      "mailto:bo@a.example",
    ])
  })

  it("show how far they are and can be canceled", () => {
    const message = own({ status: "sending", attachments: [anAttachment({ progress: 0.4 })] })
    const { called } = show({ messages: [message] })
    expect(screen.getByRole<HTMLProgressElement>("progressbar", { name: "Uploading a.pdf" }).value).toBe(0.4)
    fireEvent.click(screen.getByRole("button", { name: "Cancel" }))

    expect(called("discard")).toEqual([["discard", message.id]])
  })
})

describe("the list", () => {
  it("is a log that is read out politely, by additions", () => {
    show({ messages: [aMessage()] })
    const log = screen.getByRole("log", { name: "Messages" })
    expect([log.tabIndex, log.getAttribute("aria-relevant")]).toEqual([0, "additions"])
  })

  it("reads out what is said now, not what was there or is older", () => {
    const first = aMessage()
    const { conversation } = show({ messages: [first] })
    const log = screen.getByRole("log")
    expect(log.getAttribute("aria-live")).toBe("off")
    act(() => conversation.state.set({ messages: [first, aMessage()] }))
    expect(log.getAttribute("aria-live")).toBe("polite")
    act(() => conversation.state.set({ messages: [aMessage(), ...conversation.state.get().messages] }))
    expect(log.getAttribute("aria-live")).toBe("off")
  })

  it("draws a message once when the server has it under another id", () => {
    const queued = own({ status: "queued", client_message_id: "c1" })
    const { conversation } = show({ messages: [queued] })
    const before = screen.getByRole("article")
    act(() => conversation.state.set({ messages: [{ ...queued, id: "msg_9", status: "received" }] }))

    expect(screen.getByRole("article")).toBe(before)
  })

  it("draws the end of a long conversation first, and more on demand without asking the server", () => {
    const { called } = show({ messages: Array.from({ length: 100 }, () => aMessage()) })
    expect(screen.getAllByRole("article")).toHaveLength(30)
    fireEvent.click(screen.getByRole("button", { name: "Show earlier messages" }))

    expect(screen.getAllByRole("article")).toHaveLength(60)
    expect(called("loadOlder")).toEqual([])
  })

  it("asks the server for older messages when all are drawn", () => {
    const { called } = show({ messages: [aMessage()], hasOlder: true })
    fireEvent.click(screen.getByRole("button", { name: "Show earlier messages" }))

    expect(called("loadOlder")).toHaveLength(1)
  })

  it("marks as seen what is on screen, once", () => {
    const { called } = show({ messages: [aMessage()], summary: aSummary({ unread_count: 1 }) })
    expect(called("markRead")).toHaveLength(1)
  })

  it("shows where the new ones begin for as long as the conversation stays open", () => {
    const { conversation } = show({ messages: [aMessage()], summary: aSummary({ unread_count: 1 }) })
    act(() => conversation.state.set({ summary: aSummary({ unread_count: 0, seen_at: new Date().toISOString() }) }))

    expect(screen.getByText("New messages")).toBeDefined()
  })

  it("calls nothing new in a conversation that was begun here", () => {
    const first = own({ client_message_id: "c1", status: "sending" })
    const { conversation } = show({ messages: [first] })
    act(() =>
      conversation.state.set({ messages: [first, aMessage()], summary: aSummary({ unread_count: 1, seen_at: null }) }),
    )

    expect(screen.queryByText("New messages")).toBeNull()
  })

  it("says what could not be loaded, and tries again", () => {
    const { called } = show({ error: { code: "timeout", message: "Out for a moment." } })
    expect(screen.getByRole("alert").textContent).toBe("No connection.")
    fireEvent.click(screen.getByRole("button", { name: "Try again" }))

    expect(called("load")).toHaveLength(2)
  })

  it("greets with the inbox's words", () => {
    const client = scriptedClient({ ...ONLINE, inbox: { ...ONLINE.inbox!, greeting: "Welcome, ask away" } })
    render(
      <DexraProvider client={client}>
        <MessageList />
      </DexraProvider>,
    )
    expect(screen.getByText("Welcome, ask away")).toBeDefined()
  })

  it("greets once: what the inbox then sends stands where it was read, above the first word", () => {
    const conversation = scriptedConversation()
    const inbox = { ...ONLINE.inbox!, greeting: "Welcome, ask away" }
    render(
      <DexraProvider client={scriptedClient({ ...ONLINE, inbox }, conversation)}>
        <MessageList />
      </DexraProvider>,
    )
    const greeting = aMessage({ text: inbox.greeting, author: { type: "system", id: null, name: "", avatar_url: "" } })
    act(() => conversation.state.set({ messages: [own({ text: "Hello" }), greeting] }))

    expect(screen.getAllByText("Welcome, ask away")).toHaveLength(1)
    expect(screen.getAllByRole("article").map((each) => each.querySelector("p")!.textContent)).toEqual([
      "Welcome, ask away",
      "Hello",
    ])
  })

  it("draws a page's own parts in the place of ours", () => {
    const Message = ({ message }: { message: Message }) => <b>{message.text.toUpperCase()}</b>
    show(
      { messages: [aMessage({ text: "hi" })] },
      { components: { Message }, renderMessage: (_, ours) => <i>{ours}</i> },
    )
    expect(screen.getByText("HI").parentElement!.tagName).toBe("I")
  })
})

describe("what happens now", () => {
  it("says in words who writes", () => {
    show({ typing: [ADA] })
    expect(screen.getByRole("status").textContent).toBe("Ada Byron is writing…")
  })

  it("says what the assistant does", () => {
    show({ ai: { state: "searching", text: "" } })
    expect(screen.getByRole("status").textContent).toBe("Searching…")
  })

  it("shows an answer as it is written, and reads out whole sentences only, outside of the log", () => {
    const { container } = show({ ai: { state: "writing", text: "It left on Monday. 3.5 kg. It is n" } })
    const bubble = container.querySelector(".dx-streaming")!

    expect(bubble.textContent).toBe("It left on Monday. 3.5 kg. It is n")
    expect(bubble.closest("[role=log]")).toBeNull()
    expect(screen.getByRole("status").textContent).toBe("It left on Monday. 3.5 kg.")
  })

  it("says that a person takes over", () => {
    const { conversation } = show({ ai: { state: "handed_off", text: "" } })
    expect(screen.getByRole("status").textContent).toBe("A person will take over")
    act(() => conversation.state.set({ typing: [ADA] }))
    expect(screen.getByRole("status").textContent).toBe("Ada Byron is writing…")
  })
})
