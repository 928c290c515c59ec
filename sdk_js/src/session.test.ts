import { describe, expect, it, vi } from "vitest"
import { pass, useWorld } from "./testing/page"
import { jwt } from "./testing/server"

const world = useWorld()
const sessions = () => world.server.asked.filter(({ path }) => path == "/sessions").map(({ body }) => body)

describe("a session", () => {
  it("is opened for the inbox and remembered by name only", async () => {
    const client = await world.start({ locale: "fr", attributes: { name: "Ada" } })

    expect(sessions()).toEqual([{ inbox: "inbox1", locale: "fr", attributes: { name: "Ada" } }])
    expect(client.state.get()).toMatchObject({ connection: "online", livemode: true, user: { name: "Ada" } })
    expect([...world.storage.items.values()]).toEqual(['{"source_id":"src_1"}'])
    expect(world.told.filter(([name]) => name == "ready")).toHaveLength(1)
  })

  it("is resumed by the next page", async () => {
    ;(await world.start()).stop()
    await world.start()

    expect(sessions()[1]).toMatchObject({ source_id: "src_1" })
    expect(world.server.people.size).toBe(1)
  })

  it("begins anew when the one it remembers wants a proof", async () => {
    ;(await world.start()).stop()
    world.server.refuse(/POST .sessions/, 401, "identity_required")
    const client = await world.start()

    expect(sessions()[2].source_id).toBeUndefined()
    expect(client.state.get().connection).toBe("online")
  })

  it("begins anew when what it remembers is no name", async () => {
    ;(await world.start()).stop()
    const problem = { error: { code: "invalid", message: "This is a text.", param: "source_id" } }
    world.server.when(/POST .sessions/, () => Response.json(problem, { status: 422 }))
    const client = await world.start()

    expect(sessions()[2].source_id).toBeUndefined()
    expect(client.state.get().connection).toBe("online")
  })

  it("is refreshed before it ends", async () => {
    await world.start({ transport: "polling" })
    await pass(58 * 60_000)
    expect(sessions()).toHaveLength(1)
    await pass(2 * 60_000)

    expect(sessions()).toHaveLength(2)
    expect(sessions()[1]).toEqual({ inbox: "inbox1", source_id: "src_1" })
  })

  it.each([-2, -0.99, 2, 30])("bears a clock that is %d hours off", async (hours) => {
    vi.setSystemTime(Date.now() + hours * 3_600_000)
    const server = world.server.fetch
    const real = Date.UTC(2026, 5, 1)
    vi.stubGlobal("fetch", async (url: string, init: RequestInit) => {
      const answer = await server(url, init)
      const text = (await answer.text()).replace(
        /"expires_at":"[^"]+"/,
        `"expires_at":"${new Date(real + 3_600_000).toISOString()}"`,
      )
      return { ...answer, text: async () => text }
    })

    const client = await world.start({ transport: "polling" })
    await pass(60_000)

    expect(client.state.get().connection).toBe("polling")
    expect(sessions().length).toBeLessThanOrEqual(2)
  })

  it("shares one refresh among all who need it, and asks for the identity again", async () => {
    const token = vi.fn(async () => jwt("ada"))
    const id = world.server.addConversation()
    const client = await world.start({ identity: { token } })
    world.server.tokens.clear()

    await Promise.all([client.conversation(id).load(), client.update({ name: "Ada" }), pass(500)])

    expect(token).toHaveBeenCalledTimes(2)
    expect(sessions()).toHaveLength(2)
    expect(client.state.get().user!.name).toBe("Ada")
  })

  it.each(["identity_required", "invalid_identity_token", "origin_not_allowed", "inbox_not_found", "user_blocked"])(
    "stops at %s and says why",
    async (code) => {
      world.server.refuse(/POST .sessions/, code == "inbox_not_found" ? 404 : 403, code)
      const client = await world.start()

      expect(client.state.get()).toMatchObject({
        connection: "stopped",
        error: { code, message: `The server says ${code}.` },
      })
      await expect(client.ready()).rejects.toMatchObject({ name: "DexraError", code, requestId: "req_1" })
      await pass(60_000)
      expect(sessions()).toHaveLength(1)

      await client.start()
      await pass(50)
      expect(client.state.get()).toMatchObject({ connection: "online", error: null })
    },
  )

  it("stops when it is refused twice", async () => {
    const client = await world.start()
    world.server.refuse(/GET .changes/, 401, "session_expired", 2)

    await client.conversation(world.server.addConversation()).load()
    world.server.open[0]!.fall()
    world.server.keepsHistory = false
    await pass(2000)

    expect(client.state.get()).toMatchObject({ connection: "stopped", error: { code: "session_expired" } })
  })

  it("waits for a page that cannot say who its user is", async () => {
    const token = vi.fn().mockRejectedValueOnce(new Error("Not now")).mockResolvedValue(jwt("ada"))
    const client = await world.start({ identity: { token } })
    expect(client.state.get().error).toEqual({ code: "identity_unavailable", message: "Not now" })

    await pass(2000)

    expect(client.state.get()).toMatchObject({ connection: "online", error: null, user: { external_id: "ada" } })
  })

  it("begins anew when it was ended elsewhere", async () => {
    const client = await world.start()
    world.server.tell("session.ended", {})
    await pass(50)

    expect(client.state.get()).toMatchObject({ connection: "online", user: { id: "cont_src_3" } })
  })
})

describe("identify", () => {
  it("keeps what a visitor has open before their eyes", async () => {
    const client = await world.start()
    const chat = client.current()
    chat.send({ text: "Hello" })
    await pass(10)

    const user = client.identify({ token: jwt("ada") }, { name: "Ada" })
    await pass(50)

    expect(await user).toMatchObject({ external_id: "ada", name: "Ada" })
    expect(sessions()[1]).toMatchObject({ source_id: "src_1", identity: { token: jwt("ada") } })
    expect(chat.state.get().messages).toHaveLength(1)
    expect([...world.storage.items.keys()]).toEqual(["dexra:inbox1:ada:session"])
  })

  it("shows nobody what somebody else said", async () => {
    const id = world.server.addConversation({ unread_count: 2 })
    const client = await world.start({ identity: { identifier: "ada", identifierHash: "x" } })
    const chat = client.conversation(id)
    world.server.addMessage(id, { text: "Secret" })
    await chat.load()
    world.server.conversations.clear()

    await Promise.all([client.identify({ identifier: "bob", identifierHash: "y" }), pass(50)])

    expect(chat.state.get().messages).toEqual([])
    expect(client.state.get()).toMatchObject({ conversations: [], unread: 0, user: { external_id: "bob" } })
    expect(sessions()[1].source_id).toBeUndefined()
  })

  it("waits for the start, and the last one counts", async () => {
    const client = world.open()
    const first = client.identify({ token: jwt("ada") })
    const second = client.identify({ token: jwt("bob") })
    void client.start()
    await pass(50)

    expect((await first).external_id).toBe("bob")
    expect((await second).external_id).toBe("bob")
    expect(sessions()).toHaveLength(1)
  })

  it("in the middle of opening opens for the right one", async () => {
    const client = world.open()
    void client.start()
    const user = client.identify({ token: jwt("ada") })
    await pass(100)

    expect((await user).external_id).toBe("ada")
    expect(client.state.get().user!.external_id).toBe("ada")
    expect(world.server.open).toHaveLength(1)
  })

  it("rejects with what the server says", async () => {
    const client = await world.start()
    world.server.refuse(/POST .sessions/, 401, "invalid_identity_token")
    const refused = expect(client.identify({ token: "nonsense" })).rejects.toMatchObject({
      code: "invalid_identity_token",
    })
    await pass(50)

    await refused
    expect(client.state.get().connection).toBe("stopped")
  })
})

describe("reset", () => {
  it("forgets everything of this person and goes on with nobody known", async () => {
    const id = world.server.addConversation()
    const client = await world.start({ identity: { token: jwt("ada") } })
    client.conversation(id).send({ text: "Hello" })
    await client.reset()
    await pass(100)

    expect(world.server.tokens.get(world.server.last(/DELETE .session/)!.token)).toBe("ada")
    expect([...world.storage.items.keys()]).toEqual(["dexra:inbox1::session"])
    expect(client.state.get()).toMatchObject({ connection: "online", user: { external_id: null } })
    expect(world.told).toContainEqual(["reset", null])
  })

  it("works without a network", async () => {
    const client = await world.start({ identity: { token: jwt("ada") } })
    world.goOffline()
    client.newConversation().send({ text: "Hello" })

    await client.reset()

    expect([...world.storage.items.keys()]).toEqual([])
    expect(client.state.get()).toMatchObject({ user: null, waiting: 0 })
  })
})

describe("storage", () => {
  it.each(["getItem", "setItem", "removeItem"])("that throws at %s is done without, and said once", async (name) => {
    const storage = {
      getItem: () => null,
      setItem: () => {},
      removeItem: () => {},
      [name]: () => {
        throw new DOMException("Full", "QuotaExceededError")
      },
    }
    const client = await world.start({ storage })
    client.newConversation().send({ text: "1" })
    await pass(50)
    client.current().send({ text: "2" })
    await pass(50)

    expect(world.server.messages).toHaveLength(2)
    const errors = world.told.filter(([event]) => event == "error")
    expect(errors).toMatchObject([["error", { code: "storage_unavailable" }]])
  })

  it("that a browser has switched off is done without, and said once", async () => {
    vi.stubGlobal("localStorage", null)
    const client = await world.start({ storage: undefined })
    client.newConversation().send({ text: "1" })
    await pass(50)

    expect(world.server.messages).toHaveLength(1)
    const errors = world.told.filter(([event]) => event == "error")
    expect(errors).toMatchObject([["error", { code: "storage_unavailable" }]])
  })

  it("may be left out", async () => {
    const client = await world.start({ storage: null })

    expect(client.state.get().connection).toBe("online")
    expect(world.told.filter(([event]) => event == "error")).toEqual([])
  })
})
