import { describe, expect, it, vi } from "vitest"
import { pass, useWorld } from "./testing/page"

const world = useWorld()
const { agent } = { agent: { type: "agent", id: "usr_1", name: "Ada", avatar_url: "" } as const }
const connections = () => world.told.filter(([name]) => name == "connection").map(([, value]) => value)
const heard = () => world.told.filter(([name]) => name == "message").map(([, message]) => message.text)

async function chatting(options = {}) {
  const id = world.server.addConversation()
  const client = await world.start(options)
  const chat = client.conversation(id)
  await chat.load()
  const texts = () => chat.state.get().messages.map(({ text }) => text)
  return { client, chat, id, texts }
}

describe("the socket", () => {
  it("speaks the extended dialect and hears what is said", async () => {
    const { client, id, texts } = await chatting()
    const [socket] = world.server.open

    world.server.addMessage(id, { text: "Hi" })

    expect(socket!.protocols).toEqual(["actioncable-v1-ext-json"])
    expect(JSON.parse(socket!.identifier)).toEqual({ channel: "RoomChannel", pubsub_token: expect.any(String) })
    expect(texts()).toEqual(["Hi"])
    expect(heard()).toEqual(["Hi"])
    expect(client.state.get()).toMatchObject({ connection: "online", unread: 1 })
    expect(client.state.get().conversations[0]!.last_message!.text).toBe("Hi")
  })

  it("misses nothing between the session and the subscription", async () => {
    const id = world.server.addConversation()
    const client = world.open()
    void client.start()
    await pass(2)
    world.server.addMessage(id, { text: "Early" })
    await pass(50)

    expect(heard()).toEqual(["Early"])
  })

  it("shows a message once and in its latest version, whatever comes twice", async () => {
    const { id, texts } = await chatting()
    const message = world.server.addMessage(id, { text: "Hi" })
    world.server.editMessage(message.id, { text: "Hello" })

    world.server.tell("message.created", { message, conversation: world.server.conversations.get(id) })

    expect(texts()).toEqual(["Hello"])
    expect(heard()).toEqual(["Hi"])
    expect(world.told.filter(([name]) => name == "message_updated")).toHaveLength(1)
  })

  it("resumes where it was cut, with its session and its place", async () => {
    const { id, texts } = await chatting()
    world.server.addMessage(id, { text: "1" })
    world.server.open[0]!.fall()
    world.server.addMessage(id, { text: "2" })
    const before = world.server.count(/GET .changes/)

    await pass(1500)

    const [, second] = world.server.sockets
    expect(second!.url).toBe("ws://chat.test/cable?sid=sid_1")
    expect(second!.said[0].history).toEqual({ streams: { s: { epoch: "e", offset: 1 } } })
    expect(texts()).toEqual(["1", "2"])
    expect(world.server.count(/GET .changes/)).toBe(before)
  })

  it("fetches what was missed when the server's history is too short", async () => {
    const { id, texts } = await chatting()
    world.server.addMessage(id, { text: "1" })
    world.server.keepsHistory = false
    world.server.open[0]!.fall()
    world.server.addMessage(id, { text: "2" })

    await pass(1500)

    expect(texts()).toEqual(["1", "2"])
    expect(heard()).toEqual(["1", "2"])
  })

  it("fetches everything anew when even the changes are gone", async () => {
    const { id, texts } = await chatting()
    world.server.addMessage(id, { text: "1" })
    world.server.keepsHistory = false
    world.server.open[0]!.fall()
    for (let n = 2; n <= 60; n++) world.server.addMessage(id, { text: String(n) })
    world.server.goneBefore = world.server.changed.length

    await pass(1500)

    expect(texts()).toEqual(Array.from({ length: 50 }, (_, n) => String(n + 11)))
  })

  it("notices a cable that was cut without a word", async () => {
    const { client } = await chatting()
    world.server.open[0]!.isDeaf = true

    await pass(6000)
    expect(world.server.sockets).toHaveLength(1)
    await pass(3000)

    expect(world.server.sockets).toHaveLength(2)
    expect(client.state.get().connection).toBe("online")
  })

  it("stays while the server pings", async () => {
    await chatting()

    await pass(120_000)

    expect(world.server.sockets).toHaveLength(1)
  })

  it("comes back after a restart of the server, which knows no session then", async () => {
    const { client, id, texts } = await chatting()
    world.server.isDown = true
    world.server.open[0]!.hear({ type: "disconnect", reason: "server_restart", reconnect: true })
    await pass(10_000)
    expect(client.state.get().connection).toBe("offline")
    world.server.isDown = false
    world.server.addMessage(id, { text: "Back" })

    await pass(31_000)

    expect(world.server.open[0]!.url).not.toContain("sid")
    expect(client.state.get().connection).toBe("online")
    expect(texts()).toEqual(["Back"])
  })

  it("opens the session anew when the server will not have it back", async () => {
    await chatting()
    world.server.open[0]!.hear({ type: "disconnect", reason: "unauthorized", reconnect: false })
    await pass(1500)

    expect(world.server.count(/POST .sessions/)).toBe(2)
    expect(world.server.open).toHaveLength(1)
  })

  it("bears frames that make no sense", async () => {
    const { client } = await chatting()
    const [socket] = world.server.open
    vi.spyOn(console, "error").mockImplementation(() => {})

    for (const frame of [{}, { type: "unknown" }, { message: { event: "unknown", data: {} } }, { type: "toString" }]) {
      socket!.hear(frame)
    }

    expect(client.state.get().connection).toBe("online")
  })
})

describe("without a socket", () => {
  it("asks every 4 s, every 20 s when nobody looks, and tries a socket each minute", async () => {
    world.server.socketsWork = false
    const { client, id } = await chatting()
    await pass(1100)
    expect(client.state.get().connection).toBe("polling")
    const attempts = world.server.sockets.length
    const before = world.server.count(/GET .changes/)

    await pass(40_000)
    expect(world.server.count(/GET .changes/) - before).toBe(10)
    expect(world.server.sockets).toHaveLength(attempts)
    world.server.addMessage(id, { text: "Hi" })
    await pass(4000)
    expect(heard()).toEqual(["Hi"])

    vi.spyOn(document, "hidden", "get").mockReturnValue(true)
    await pass(4000)
    const hidden = world.server.count(/GET .changes/)
    await pass(40_000)
    expect(world.server.count(/GET .changes/) - hidden).toBe(2)
    world.server.socketsWork = true
    await pass(40_000)
    expect(client.state.get().connection).toBe("online")
    const online = world.server.count(/GET .changes/)
    await pass(40_000)
    expect(world.server.count(/GET .changes/)).toBe(online)
  })

  it("never opens one when told so", async () => {
    const { client } = await chatting({ transport: "polling" })

    await pass(120_000)

    expect(world.server.sockets).toHaveLength(0)
    expect(client.state.get().connection).toBe("polling")
  })

  it("bears a page whose policy forbids sockets", async () => {
    vi.stubGlobal("WebSocket", function () {
      throw new DOMException("Refused", "SecurityError")
    })
    const { client } = await chatting()

    await pass(2000)

    expect(client.state.get().connection).toBe("polling")
  })
})

describe("thirty seconds without a network", () => {
  it.each([true, false])("lose and double nothing (the browser knows: %s)", async (isKnown) => {
    const { client, chat, id, texts } = await chatting()
    if (isKnown) world.goOffline()
    else {
      world.server.isDown = true
      world.server.open[0]!.isDeaf = true
    }
    chat.send({ text: "mine" })
    await pass(1000)
    world.server.addMessage(id, { text: "theirs", author: agent })
    await pass(29_000)
    expect(client.state.get().connection).toBe("offline")
    expect(texts()).toEqual(["mine"])

    if (isKnown) world.goOnline()
    else world.server.isDown = false
    await pass(31_000)

    expect(client.state.get().connection).toBe("online")
    expect(texts()).toEqual(["theirs", "mine"])
    expect(heard()).toEqual(["theirs"])
    expect(world.server.messages).toHaveLength(2)
  })

  it("start late and start all the same", async () => {
    world.goOffline()
    const client = await world.start()
    await pass(10_000)
    expect(client.state.get()).toMatchObject({ connection: "offline", error: { code: "network" } })

    world.goOnline()
    await client.ready()
    await pass(50)

    expect(client.state.get()).toMatchObject({ connection: "online", error: null })
    expect(connections()).toEqual(["connecting", "offline", "connecting", "online"])
  })
})

describe("stopping", () => {
  it("leaves no socket, timer or listener, and can be undone", async () => {
    const { client, chat, id } = await chatting()
    chat.typing(true)
    world.server.tell("typing", { conversation_id: id, author: agent, is_typing: true })
    client.stop()
    await pass(1000)
    const before = world.server.asked.length

    window.dispatchEvent(new Event("online"))
    expect(vi.getTimerCount()).toBe(0)
    expect(world.server.open).toHaveLength(0)
    expect(world.server.asked).toHaveLength(before)
    expect(client.state.get().connection).toBe("idle")

    await client.start()
    await pass(50)
    expect(client.state.get().connection).toBe("online")
  })

  it("and starting at once opens one socket", async () => {
    const client = world.open()
    void client.start()
    client.stop()
    void client.start()
    await pass(100)

    expect(world.server.count(/POST .sessions/)).toBe(1)
    expect(world.server.open).toHaveLength(1)
    expect(world.told.filter(([name]) => name == "ready")).toHaveLength(1)
  })
})
