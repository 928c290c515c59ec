// @vitest-environment node
import { renderToString } from "react-dom/server"
import { describe, expect, it } from "vitest"
import { DexraChat, DexraProvider, Launcher } from "./index"
import { aMessage, ONLINE, scriptedClient, scriptedConversation } from "./scripted"

describe("on a server", () => {
  it("has no window, and needs none", () => {
    expect(typeof window).toBe("undefined")
    const html = renderToString(
      <DexraProvider client={scriptedClient({ connection: "idle" })}>
        <DexraChat />
        <Launcher />
      </DexraProvider>,
    )

    expect(html).toContain("How can we help?")
    expect(html).toContain('aria-label="Open chat"')
  })

  it("draws the same whatever the client knows by then, so that a page can take over", () => {
    const drawn = [
      scriptedClient({ connection: "idle" }),
      scriptedClient(ONLINE, scriptedConversation({ messages: [aMessage()] })),
    ].map((client) =>
      renderToString(
        <DexraProvider client={client}>
          <DexraChat />
        </DexraProvider>,
      ),
    )

    expect(drawn[0]).toBe(drawn[1])
  })

  it("makes a client of options without a socket or a timer", () => {
    const html = renderToString(
      <DexraProvider options={{ inbox: "abc", baseUrl: "https://chat.example" }} locale="ar">
        <DexraChat />
      </DexraProvider>,
    )

    expect(html).toContain('dir="rtl"')
  })
})
