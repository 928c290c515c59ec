import { describe, expect, it, vi } from "vitest"
import { pass, useWorld } from "./testing/page"
import { ScriptedUpload } from "./testing/server"

const world = useWorld()
const ada = { type: "agent", id: "usr_1", name: "Ada", avatar_url: "" } as const
const bob = { ...ada, id: "usr_2", name: "Bob" }

async function chatting(messages = 0, summary = {}) {
  const id = world.server.addConversation(summary)
  for (let n = 1; n <= messages; n++) world.server.addMessage(id, { text: String(n) })
  const client = await world.start()
  const chat = client.conversation(id)
  await chat.load()
  const texts = () => chat.state.get().messages.map(({ text }) => text)
  return { client, chat, id, texts }
}

describe("loading", () => {
  it("shows the latest page, then older ones, each message once", async () => {
    const { chat, texts } = await chatting(120)
    expect(texts()).toHaveLength(50)
    expect(chat.state.get()).toMatchObject({ hasOlder: true, isLoading: false })

    await Promise.all([chat.loadOlder(), chat.loadOlder()])
    expect(texts()).toHaveLength(100)
    await chat.loadOlder()
    await chat.loadOlder()

    expect(texts()).toEqual(Array.from({ length: 120 }, (_, n) => String(n + 1)))
    expect(chat.state.get().hasOlder).toBe(false)
  })

  it("does not show what changed far above what is loaded", async () => {
    const { texts } = await chatting(120)

    world.server.editMessage(world.server.messages[0]!.id, { text: "edited" })

    expect(texts()).toHaveLength(50)
  })

  it("tells its failure in the state and may be tried again", async () => {
    const { chat } = await chatting()
    const other = world.server.addConversation()
    const client = world.open()
    void client.start()
    await pass(50)
    world.server.refuse(/GET .*messages/, 404, "conversation_not_found")
    await client.conversation(other).load()
    expect(client.conversation(other).state.get()).toMatchObject({
      isLoading: false,
      error: { code: "conversation_not_found" },
    })

    await client.conversation(other).load()

    expect(client.conversation(other).state.get().error).toBeNull()
    expect(chat.state.get().error).toBeNull()
  })

  it("reads again when reading failed for a moment", async () => {
    const id = world.server.addConversation()
    const client = await world.start()
    world.server.refuse(/GET .*messages/, 503, "unavailable", 2)

    const loaded = client.conversation(id).load()
    await pass(5000)
    await loaded

    expect(client.conversation(id).state.get().error).toBeNull()
  })

  it("brings a list of conversations, the latest first, and opens the latest that is open", async () => {
    const first = world.server.addConversation({ unread_count: 2 })
    world.server.addConversation({ status: "closed", unread_count: 1 })
    const client = await world.start()

    expect(client.state.get()).toMatchObject({ unread: 3, hasMoreConversations: false })
    expect(client.current()).toBe(client.conversation(first))
    expect(client.current().state.get().summary!.id).toBe(first)
  })

  it("fetches more of a long list", async () => {
    const summary = (id: string) => ({ ...world.server.conversations.get(id)!, id })
    const [first, second] = [world.server.addConversation(), world.server.addConversation({ unread_count: 4 })]
    const { json } = await import("./testing/server")
    world.server.when(/GET .conversations\?/, () =>
      json({ data: [summary(first)], has_more: true, next_cursor: "c 1" }),
    )
    const client = await world.start()
    expect(client.state.get()).toMatchObject({ hasMoreConversations: true, unread: 4 })

    world.server.when(/GET .conversations\?.*cursor=c%201/, () =>
      json({ data: [summary(second)], has_more: false, next_cursor: null }),
    )
    await client.loadConversations()
    await client.loadConversations()

    expect(
      client.state
        .get()
        .conversations.map(({ id }) => id)
        .sort(),
    ).toEqual([first, second].sort())
    expect(client.state.get()).toMatchObject({ hasMoreConversations: false, unread: 4 })
  })
})

describe("typing", () => {
  it("of others is shown for 6 s, or until they have spoken", async () => {
    const { chat, id } = await chatting()
    const tell = (author: object, is_typing = true) =>
      world.server.tell("typing", { conversation_id: id, author, is_typing })

    tell(ada)
    tell(bob)
    tell(ada)
    expect(chat.state.get().typing).toEqual([bob, ada])
    tell(bob, false)
    expect(chat.state.get().typing).toEqual([ada])
    await pass(6100)
    expect(chat.state.get().typing).toEqual([])
    expect(world.told.at(-1)).toEqual(["typing", { conversation_id: id, author: ada, is_typing: false }])

    tell(ada)
    world.server.addMessage(id, { author: ada })
    expect(chat.state.get().typing).toEqual([])
  })

  it("is told every 3 s at most and ends by itself", async () => {
    const { chat } = await chatting()
    for (let n = 0; n < 40; n++) {
      chat.typing(true)
      await pass(100)
    }
    expect(world.server.count(/POST .*typing/)).toBe(2)
    await pass(5000)

    expect(world.server.count(/POST .*typing/)).toBe(3)
    expect(world.server.last(/POST .*typing/)!.body).toEqual({ is_typing: false })
    chat.typing(false)
    await pass(10)
    expect(world.server.count(/POST .*typing/)).toBe(3)
  })
})

describe("an AI", () => {
  it("shows what it does and what it has written so far, until it has said it", async () => {
    const { chat, id } = await chatting()
    const tell = (state: string, text = "") => world.server.tell("ai.state", { conversation_id: id, state, text })

    tell("thinking")
    tell("writing", "The ans")
    expect(chat.state.get().ai).toEqual({ state: "writing", text: "The ans" })
    world.server.addMessage(id, { text: "The answer", author: { ...ada, type: "ai" } })
    expect(chat.state.get().ai).toEqual({ state: "idle", text: "" })

    tell("searching")
    await pass(30_100)
    expect(chat.state.get().ai.state).toBe("idle")
    expect(world.told.filter(([name]) => name == "ai_state")).toHaveLength(3)
  })
})

describe("reading", () => {
  it("is told once, and only when there is something unread", async () => {
    const { client, chat, id } = await chatting()
    await chat.markRead()
    await pass(1100)
    expect(world.server.count(/POST .*read/)).toBe(0)

    world.server.addMessage(id)
    void chat.markRead()
    void chat.markRead()
    await pass(1)
    expect(client.state.get().unread).toBe(0)
    await pass(1100)
    expect(world.server.count(/POST .*read/)).toBe(1)
    expect(world.told.filter(([name]) => name == "unread").map(([, count]) => count)).toEqual([1, 0])
  })

  it("is told of what comes meanwhile, too, once a second at most", async () => {
    const { client, chat, id } = await chatting()
    world.server.addMessage(id)
    void chat.markRead()
    await pass(100)
    for (let sent = 0; sent < 3; sent++) {
      world.server.addMessage(id)
      void chat.markRead()
    }
    expect(world.server.count(/POST .*read/)).toBe(1)
    await pass(1100)

    expect(client.state.get().unread).toBe(0)
    expect(world.server.count(/POST .*read/)).toBe(2)
  })

  it("that could not be told is not forgotten, and told again half a minute later at the soonest", async () => {
    const { client, chat, id } = await chatting()
    world.server.addMessage(id)
    world.server.refuse(/POST .*read/, 500, "internal")

    void chat.markRead()
    await pass(1100)
    expect(client.state.get().unread).toBe(1)

    void chat.markRead()
    await pass(20_000)
    expect(client.state.get().unread).toBe(1)
    await pass(10_000)
    expect(client.state.get().unread).toBe(0)
  })
})

describe("a conversation", () => {
  it("is closed and answers what was asked in it", async () => {
    const { chat, id } = await chatting(1)
    await chat.close()
    expect(chat.state.get().summary!.status).toBe("closed")

    const message = await chat.submit(world.server.messages[0]!.id, { rating: 5 })
    expect(message.conversation_id).toBe(id)
    expect(world.server.last(/PATCH .messages/)!.body).toEqual({ submitted_values: { rating: 5 } })
    world.server.refuse(/PATCH .messages/, 422, "invalid")
    await expect(chat.submit("msg_1", {})).rejects.toMatchObject({ code: "invalid", status: 422 })
  })

  it("hears who is there and who its user is now", async () => {
    const { client } = await chatting()
    world.server.tell("presence", { agents_online: 7 })
    world.server.tell("user.updated", { user: { ...client.state.get().user, name: "Ada" } })

    expect(client.state.get()).toMatchObject({ inbox: { agents_online: 7 }, user: { name: "Ada" } })
  })

  it("is not disturbed by a handler that throws", async () => {
    const { client, id, texts } = await chatting()
    const complaint = vi.spyOn(console, "error").mockImplementation(() => {})
    const heard = vi.fn()
    client.on("message", () => {
      throw new Error("Mine")
    })
    const off = client.on("message", heard)

    world.server.addMessage(id, { text: "Hi" })
    off()
    world.server.addMessage(id, { text: "Ho" })

    expect(texts()).toEqual(["Hi", "Ho"])
    expect(heard).toHaveBeenCalledTimes(1)
    expect(complaint).toHaveBeenCalledTimes(2)
  })
})

describe("files", () => {
  const file = new File(["x"], "cat.png", { type: "image/png" })

  it("are shown while they are on their way, and sent with their message", async () => {
    vi.spyOn(URL, "createObjectURL").mockReturnValue("blob:cat")
    const revoked = vi.spyOn(URL, "revokeObjectURL")
    const { client, chat } = await chatting()
    chat.send({ text: "Look", files: [file] })
    await pass(10)
    ScriptedUpload.all[0]!.reach(0.5)
    expect(chat.state.get().messages[0]).toMatchObject({
      status: "sending",
      message_type: "media",
      attachments: [{ type: "image", url: "blob:cat", filename: "cat.png", size: 1, progress: 0.5 }],
    })
    expect(revoked).not.toHaveBeenCalled()

    ScriptedUpload.all[0]!.finish(201, { id: "att_1" })
    await pass(10)

    expect(world.server.last(/POST .*messages/)!.body).toMatchObject({ text: "Look", attachment_ids: ["att_1"] })
    expect(revoked).toHaveBeenCalledWith("blob:cat")
    expect(client.state.get().waiting).toBe(0)
  })

  it("are uploaded again after a failure, and not twice when they are there", async () => {
    const { chat } = await chatting()
    chat.send({ files: [file, file] })
    await pass(10)
    ScriptedUpload.all[0]!.finish(201, { id: "att_1" })
    await pass(10)
    ScriptedUpload.all[1]!.onerror!()
    await pass(2000)
    ScriptedUpload.all[2]!.finish(201, { id: "att_2" })
    await pass(10)

    expect(ScriptedUpload.all).toHaveLength(3)
    expect(world.server.last(/POST .*messages/)!.body.attachment_ids).toEqual(["att_1", "att_2"])
  })

  it("are uploaded with a new token when the old one has ended", async () => {
    const { client, chat } = await chatting()
    chat.send({ files: [file] })
    await pass(10)
    ScriptedUpload.all[0]!.finish(401, { error: { code: "session_expired", message: "Ended." } })
    await pass(10)
    ScriptedUpload.all[1]!.finish(201, { id: "att_1" })
    await pass(10)

    expect(ScriptedUpload.all[0]!.token).not.toBe(ScriptedUpload.all[1]!.token)
    expect(client.state.get()).toMatchObject({ connection: "online", waiting: 0 })
  })

  it("of a message that failed are lost with the page", async () => {
    const { client, chat, id } = await chatting()
    chat.send({ files: [file, file] })
    await pass(10)
    const error = { code: "file_type_not_allowed", message: "Not this." }
    ScriptedUpload.all[0]!.finish(422, { error })
    await pass(10)
    client.stop()

    const next = await world.start()

    const [message] = next.conversation(id).state.get().messages
    expect(message).toMatchObject({ status: "failed", failure: { code: "file_lost" } })
  })

  it("that the server does not want fail the message", async () => {
    const { chat } = await chatting()
    chat.send({ files: [file] })
    await pass(10)
    const error = { code: "file_type_not_allowed", message: "Not this." }
    ScriptedUpload.all[0]!.finish(422, { error })
    await pass(10)

    expect(chat.state.get().messages[0]).toMatchObject({ status: "failed", failure: error })
  })

  it("that stand still are tried again, and one that is discarded is not", async () => {
    const { chat } = await chatting()
    const message = chat.send({ files: [file] })
    await pass(32_000)
    expect(ScriptedUpload.all.map(({ isAborted }) => isAborted)).toEqual([true, false])

    chat.discard(message.id)
    await pass(60_000)

    expect(ScriptedUpload.all.map(({ isAborted }) => isAborted)).toEqual([true, true])
    expect(chat.state.get().messages).toEqual([])
    expect(world.server.messages).toEqual([])
  })
})
