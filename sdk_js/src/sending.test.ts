import { describe, expect, it, vi } from "vitest"
import { pass, useWorld } from "./testing/page"
import { failure, jwt } from "./testing/server"

const world = useWorld()
const texts = (client: { conversation(id: string): any }, id: string) =>
  client
    .conversation(id)
    .state.get()
    .messages.map(({ text, status }: any) => [text, status])

async function chatting(options = {}) {
  const id = world.server.addConversation()
  const client = await world.start(options)
  const chat = client.conversation(id)
  await chat.load()
  return { client, chat, id }
}

describe("sending", () => {
  it("shows a message at once and the server's word for it later", async () => {
    const { client, chat, id } = await chatting()

    const message = chat.send({ text: "Hello" })

    expect(message).toMatchObject({ id: expect.stringMatching(/^local_/), status: "sending", direction: "inbound" })
    expect(texts(client, id)).toEqual([["Hello", "sending"]])
    await pass(10)
    expect(texts(client, id)).toEqual([["Hello", "received"]])
    expect(world.told.filter(([name]) => name == "message_sent")).toHaveLength(1)
    expect(client.state.get().waiting).toBe(0)
  })

  it("sends once what the server has and whose answer was lost", async () => {
    const { client, chat, id } = await chatting({ transport: "polling" })
    world.server.lose(/POST .*messages/, 2)

    chat.send({ text: "Hello" })
    await pass(10_000)

    expect(world.server.count(/POST .*messages/)).toBeGreaterThan(1)
    expect(world.server.messages).toHaveLength(1)
    expect(texts(client, id)).toEqual([["Hello", "received"]])
    expect(world.told.filter(([name]) => name == "message_sent")).toHaveLength(1)
  })

  it("knows by the frame alone that the server has a message", async () => {
    const { client, chat, id } = await chatting()
    world.server.when(/POST .*messages/, ({ body }) => {
      world.server.addMessage(id, { ...body, direction: "inbound" })
      return failure(503, "unavailable")
    })

    chat.send({ text: "Hello" })
    await pass(60_000)

    expect(texts(client, id)).toEqual([["Hello", "received"]])
    expect(world.server.count(/POST .*messages/)).toBe(1)
  })

  it("keeps the order of a conversation through failures", async () => {
    const { chat } = await chatting()
    world.server.refuse(/POST .*messages/, 503, "unavailable", 2)

    for (const text of ["1", "2", "3"]) chat.send({ text })
    await pass(10_000)

    expect(world.server.messages.map(({ text }) => text)).toEqual(["1", "2", "3"])
  })

  it("waits for as long as the server asks", async () => {
    const { chat } = await chatting()
    world.server.refuse(/POST .*messages/, 429, "rate_limited", 1, { "Retry-After": "20" })

    chat.send({ text: "1" })
    await pass(10_000)
    chat.send({ text: "2" })
    expect(world.server.count(/POST .*messages/)).toBe(1)
    await pass(10_500)

    expect(world.server.messages.map(({ text }) => text)).toEqual(["1", "2"])
  })

  it("keeps what was said offline and sends it at once when the network is back", async () => {
    const { client, chat, id } = await chatting()
    world.goOffline()
    chat.send({ text: "1" })
    chat.send({ text: "2" })
    await pass(30_000)
    expect(client.state.get()).toMatchObject({ connection: "offline", waiting: 2 })
    expect(texts(client, id)).toEqual([
      ["1", "queued"],
      ["2", "queued"],
    ])

    world.goOnline()
    await pass(100)

    expect(texts(client, id)).toEqual([
      ["1", "received"],
      ["2", "received"],
    ])
    expect(world.server.messages).toHaveLength(2)
  })

  it("tries at once when the page is looked at again", async () => {
    const { chat } = await chatting()
    world.server.refuse(/POST .*messages/, 503, "unavailable")
    vi.mocked(Math.random).mockReturnValue(1)
    chat.send({ text: "Hello" })
    await pass(10)

    document.dispatchEvent(new Event("visibilitychange", { bubbles: true }))
    await pass(10)

    expect(world.server.messages).toHaveLength(1)
  })

  it("waits longer after each failure, and never over half a minute", async () => {
    const { chat } = await chatting()
    world.server.refuse(/POST .*messages/, 503, "unavailable", 100)

    chat.send({ text: "Hello" })
    await pass(900)
    expect(world.server.count(/POST .*messages/)).toBe(1)
    await pass(200)
    expect(world.server.count(/POST .*messages/)).toBe(2)
    await pass(120_000)
    const before = world.server.count(/POST .*messages/)
    await pass(60_000)

    expect(world.server.count(/POST .*messages/) - before).toBe(2)
  })

  it("fails for good what the server will never take, and goes on with the next", async () => {
    const { client, chat, id } = await chatting()
    world.server.refuse(/POST .*messages/, 422, "text_too_long")

    chat.send({ text: "1" })
    chat.send({ text: "2" })
    await pass(50)

    expect(texts(client, id)).toEqual([
      ["2", "received"],
      ["1", "failed"],
    ])
    const failed = chat.state.get().messages[1]!
    expect(failed.failure).toEqual({ code: "text_too_long", message: "The server says text_too_long." })
    expect(world.told).toContainEqual(["message_failed", failed])
    expect(client.state.get().waiting).toBe(0)
  })

  it("retries a failed message under the same id, and forgets one that is discarded", async () => {
    const { chat } = await chatting()
    world.server.refuse(/POST .*messages/, 422, "invalid", 2)
    const first = chat.send({ text: "1" })
    const second = chat.send({ text: "2" })
    await pass(50)

    chat.retry(first.id)
    chat.discard(second.id)
    await pass(50)

    expect(world.server.messages.map(({ client_message_id }) => client_message_id)).toEqual([first.client_message_id])
    expect(chat.state.get().messages).toHaveLength(1)
    chat.retry("local_unknown")
    chat.discard("local_unknown")
  })

  it("fails what a blocked person says, and goes on reading", async () => {
    const { client, chat, id } = await chatting()
    world.server.refuse(/POST .*messages/, 403, "user_blocked")

    chat.send({ text: "Hello" })
    await pass(50)
    world.server.addMessage(id, { text: "We are closed to you" })

    expect(client.state.get()).toMatchObject({ connection: "online", error: { code: "user_blocked" } })
    expect(texts(client, id)).toEqual([
      ["We are closed to you", "received"],
      ["Hello", "failed"],
    ])
    chat.send({ text: "Sorry" })
    await pass(50)
    expect(client.state.get().error).toBeNull()
  })

  it("sends with a new token when the old one ends in the middle", async () => {
    const { chat } = await chatting()
    world.server.tokens.clear()

    chat.send({ text: "Hello" })
    await pass(50)

    expect(world.server.messages).toHaveLength(1)
    expect(world.server.count(/POST .sessions/)).toBe(2)
    const [first, second] = world.server.asked.filter(({ path }) => path.endsWith("messages")).slice(-2)
    expect(first!.body).toEqual(second!.body)
  })

  it("keeps what waits when a proof is missing, until there is one", async () => {
    const { client, chat } = await chatting({ identity: { identifier: "ada", identifierHash: "x" } })
    world.server.tokens.clear()
    world.server.refuse(/POST .sessions/, 401, "invalid_identity_token")
    chat.send({ text: "Hello" })
    await pass(50)
    expect(client.state.get()).toMatchObject({
      connection: "stopped",
      waiting: 1,
      error: { code: "invalid_identity_token" },
    })

    void client.identify({ identifier: "ada", identifierHash: "right" })
    await pass(50)

    expect(world.server.messages).toHaveLength(1)
  })

  it.each([
    ["blank text", "message_empty", { text: "  " }],
    ["nothing", "message_empty", {}],
    ["a long text", "text_too_long", { text: "x".repeat(101) }],
    ["a large file", "file_too_large", { files: [new File(["x".repeat(1001)], "large.txt")] }],
    ["three files", "too_many_files", { files: [1, 2, 3].map((n) => new File(["x"], `${n}.txt`)) }],
  ])("refuses %s at once", async (_what, code, draft) => {
    const { chat } = await chatting()

    expect(() => chat.send(draft)).toThrow(expect.objectContaining({ name: "DexraError", code, isTransient: false }))
    expect(chat.state.get().messages).toHaveLength(0)
  })

  it("counts characters as the server does", async () => {
    const { chat } = await chatting()

    expect(() => chat.send({ text: "😀".repeat(100) })).not.toThrow()
  })

  it("lets at most fifty messages wait", async () => {
    const { chat } = await chatting()
    world.goOffline()
    for (let n = 0; n < 50; n++) chat.send({ text: String(n) })

    expect(() => chat.send({ text: "51" })).toThrow(expect.objectContaining({ code: "outbox_full" }))
  })
})

describe("a new conversation", () => {
  it("is made by its first message; what follows waits for its name", async () => {
    const client = await world.start()
    const chat = client.current()

    chat.send({ text: "1" })
    chat.send({ text: "2" })
    await pass(50)

    expect(world.server.count(/POST .conversations$/)).toBe(1)
    expect(chat.state.get().summary?.id).toMatch(/^conv_/)
    expect(chat.state.get().messages.map(({ text, status }) => [text, status])).toEqual([
      ["1", "received"],
      ["2", "received"],
    ])
    expect(client.current()).toBe(chat)
    expect(client.conversation(chat.state.get().summary!.id)).toBe(chat)
    expect(world.told.filter(([name]) => name == "conversation_created")).toHaveLength(1)
  })

  it("is made once when the answer is lost", async () => {
    const client = await world.start({ transport: "polling" })
    const chat = client.newConversation()
    world.server.lose(/POST .conversations$/, 2)

    chat.send({ text: "1" })
    chat.send({ text: "2" })
    await pass(20_000)

    expect(world.server.conversations.size).toBe(1)
    expect(world.server.messages.map(({ text }) => text)).toEqual(["1", "2"])
    expect(chat.state.get().messages).toHaveLength(2)
  })

  it("is made by the next message when the first is refused", async () => {
    const client = await world.start()
    const chat = client.newConversation()
    world.server.refuse(/POST .conversations$/, 422, "invalid")

    chat.send({ text: "1" })
    chat.send({ text: "2" })
    await pass(50)

    expect(world.server.messages.map(({ text }) => text)).toEqual(["2"])
    expect(chat.state.get().messages.map(({ status }) => status)).toEqual(["received", "failed"])
  })

  it("is not made before something is said", async () => {
    const client = await world.start()

    expect(client.newConversation()).toBe(client.newConversation())
    await client.newConversation().load()
    client.newConversation().typing(true)
    await client.newConversation().markRead()
    await client.newConversation().close()

    expect(world.server.count(/conversations$/)).toBe(0)
  })
})

describe("the outbox", () => {
  it("outlives the page", async () => {
    const { client, chat } = await chatting()
    world.goOffline()
    chat.send({ text: "1" })
    const fresh = client.newConversation()
    fresh.send({ text: "2" })
    await pass(10)
    client.stop()

    world.goOnline()
    await world.start()

    expect(world.server.messages.map(({ text }) => text).sort()).toEqual(["1", "2"])
    expect([...world.storage.items.keys()].filter((key) => key.endsWith("outbox"))).toEqual([])
  })

  it("says that a file was lost with its page", async () => {
    const { client, chat, id } = await chatting()
    world.goOffline()
    chat.send({ text: "Look", files: [new File(["x"], "x.txt")] })
    await pass(10)
    client.stop()

    world.goOnline()
    const next = await world.start()

    const [message] = next.conversation(id).state.get().messages
    expect(message).toMatchObject({ text: "Look", status: "failed", failure: { code: "file_lost" } })
    next.conversation(id).retry(message!.id)
    expect(next.conversation(id).state.get().messages[0]!.status).toBe("failed")
    next.conversation(id).discard(message!.id)
    expect(next.conversation(id).state.get().messages).toEqual([])
  })

  it("does not send by itself what was said a day ago", async () => {
    const { client, chat, id } = await chatting()
    world.goOffline()
    chat.send({ text: "Old" })
    await pass(10)
    client.stop()
    vi.setSystemTime(Date.now() + 25 * 3_600_000)

    world.goOnline()
    const next = await world.start()

    expect(next.conversation(id).state.get().messages).toMatchObject([
      { status: "failed", failure: { code: "expired" } },
    ])
    next.conversation(id).retry(next.conversation(id).state.get().messages[0]!.id)
    await pass(50)
    expect(world.server.messages).toHaveLength(1)
  })

  it("sends what was said before a clock was put back", async () => {
    const { client, chat } = await chatting()
    world.goOffline()
    chat.send({ text: "Hello" })
    await pass(10)
    client.stop()
    vi.setSystemTime(Date.now() - 48 * 3_600_000)

    world.goOnline()
    await world.start()

    expect(world.server.messages).toHaveLength(1)
  })

  it("takes what was said before the start and by nobody in particular", async () => {
    const client = world.open({ identity: { token: jwt("ada") } })
    client.newConversation().send({ text: "Early" })
    void client.start()
    await pass(50)

    expect(world.server.messages).toHaveLength(1)
  })

  it("gives an anonymous person's words to who they turn out to be", async () => {
    const client = await world.start()
    world.goOffline()
    client.newConversation().send({ text: "Anonymous" })
    await pass(10)

    void client.identify({ identifier: "ada", identifierHash: "x" })
    world.goOnline()
    await pass(2000)

    const { token } = world.server.last(/POST .conversations$/)!
    expect(world.server.tokens.get(token)).toBe("ada")
  })

  it("never sends one person's words as another's", async () => {
    const client = await world.start({ identity: { identifier: "ada", identifierHash: "x" } })
    world.goOffline()
    client.newConversation().send({ text: "Ada's" })
    await pass(10)

    void client.identify({ identifier: "bob", identifierHash: "y" })
    world.goOnline()
    await pass(5000)
    expect(world.server.messages).toEqual([])
    expect(client.state.get()).toMatchObject({ user: { external_id: "bob" }, waiting: 0 })

    void client.identify({ identifier: "ada", identifierHash: "x" })
    await pass(5000)
    const { token } = world.server.last(/POST .conversations$/)!
    expect(world.server.tokens.get(token)).toBe("ada")
    expect(world.server.messages.map(({ text }) => text)).toEqual(["Ada's"])
  })

  it.each(["{not json", '"text"', '[1, null, {"id": 3}]', '{"length": 2}'])("bears %s in storage", async (text) => {
    world.storage.setItem("dexra:inbox1::outbox", text)
    world.storage.setItem("dexra:inbox1::session", text)

    const client = await world.start()
    client.newConversation().send({ text: "Hello" })
    await pass(50)

    expect(client.state.get().connection).toBe("online")
    expect(world.server.messages).toHaveLength(1)
  })
})
