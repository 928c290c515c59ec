import { act, cleanup, render, screen } from "@testing-library/react"
import { StrictMode } from "react"
import { afterEach, describe, expect, it } from "vitest"
import { fr } from "../locales/fr"
import { DexraChat, DexraProvider, useConversation, useStrings, useUnread } from "./index"
import { aMessage, ONLINE, scriptedClient, scriptedConversation } from "./scripted"

afterEach(cleanup)

describe("the provider", () => {
  it("starts a client that it was given and leaves stopping to who made it", () => {
    const client = scriptedClient()
    const { unmount } = render(<DexraProvider client={client} />)
    unmount()

    expect(client.calls).toEqual(["start"])
  })

  it("starts what strict mode has taken down again", () => {
    const client = scriptedClient()
    render(
      <StrictMode>
        <DexraProvider client={client} />
      </StrictMode>,
    )

    expect(client.calls).toEqual(["start", "start"])
  })

  it("says what is missing when a part stands outside", () => {
    const quiet = console.error
    console.error = () => undefined
    expect(() => render(<DexraChat />)).toThrow("Put this inside <DexraProvider>.")
    console.error = quiet
  })

  it("speaks the language it is given, and lets single words be changed", () => {
    const Words = () => <p>{`${useStrings().send} ${useStrings().attach}`}</p>
    render(
      <DexraProvider client={scriptedClient()} locale="fr" strings={{ ...fr, send: "Hop" }}>
        <Words />
      </DexraProvider>,
    )

    expect(screen.getByText("Hop Joindre des fichiers")).toBeDefined()
  })

  it("draws from right to left in Arabic", () => {
    const { container } = render(
      <DexraProvider client={scriptedClient()} locale="ar">
        <DexraChat />
      </DexraProvider>,
    )

    expect(container.querySelector("section")!.dir).toBe("rtl")
  })

  it("leaves our classes out when unstyled, and keeps the page's", () => {
    const { container } = render(
      <DexraProvider client={scriptedClient()} unstyled>
        <DexraChat className="mine" />
      </DexraProvider>,
    )

    expect(container.querySelector(".mine")).not.toBeNull()
    expect(container.innerHTML).not.toMatch(/class="[^"]*dx-/)
  })
})

describe("hooks", () => {
  it("draw again when what they watch has changed", () => {
    const Unread = () => <p>unread {useUnread()}</p>
    const client = scriptedClient()
    render(
      <DexraProvider client={client}>
        <Unread />
      </DexraProvider>,
    )
    act(() => client.state.set({ unread: 4 }))

    expect(screen.getByText("unread 4")).toBeDefined()
  })

  it("bring a conversation up to date as soon as there is a connection", () => {
    const Conversation = () => <p>{useConversation().messages.length}</p>
    const conversation = scriptedConversation()
    const client = scriptedClient({ connection: "connecting" }, conversation)
    render(
      <DexraProvider client={client}>
        <Conversation />
      </DexraProvider>,
    )
    expect(conversation.calls).toEqual([])
    act(() => client.state.set(ONLINE))

    expect(conversation.calls).toEqual([["load"]])
  })

  it("act on the conversation on screen", () => {
    let conversation!: ReturnType<typeof useConversation>
    const Conversation = () => {
      conversation = useConversation()
      return <p>{conversation.messages.map((each) => each.text)}</p>
    }
    const scripted = scriptedConversation({ messages: [aMessage({ text: "Hi" })] })
    render(
      <DexraProvider client={scriptedClient(ONLINE, scripted)}>
        <Conversation />
      </DexraProvider>,
    )
    act(() => void conversation.send({ text: "Ho" }))

    expect(screen.getByText("HiHo")).toBeDefined()
    expect(scripted.calls.pop()).toEqual(["send", { text: "Ho" }])
  })
})
