import { describe, expect, it, vi } from "vitest"
import { exclusively, hold, joinTabs } from "./tabs"
import { pass, useWorld } from "./testing/page"

const world = useWorld({ withTabs: true })

describe("two tabs", () => {
  it("are one newcomer with one socket, and hear the same", async () => {
    const id = world.server.addConversation()
    const [first, second] = [world.open(), world.open()]
    void first.start()
    void second.start()
    await pass(4000)

    world.server.addMessage(id, { text: "Hi" })
    await pass(10)

    expect(world.server.people.size).toBe(1)
    expect(world.server.open).toHaveLength(1)
    for (const tab of [first, second]) {
      expect(tab.state.get()).toMatchObject({ connection: "online", unread: 1 })
    }
    expect(world.server.count(/GET .changes/)).toBeLessThanOrEqual(3)
  })

  it("go on when the leading one is closed, and miss nothing", async () => {
    const id = world.server.addConversation()
    const first = await world.start()
    const second = await world.start()
    await pass(3000)
    first.stop()
    world.server.addMessage(id, { text: "Between" })

    await pass(20_000)

    expect(world.server.open).toHaveLength(1)
    expect(second.state.get()).toMatchObject({ connection: "online", unread: 1 })
  })

  it("ask for themselves when the leading one is frozen", async () => {
    await world.start()
    const second = await world.start()
    await pass(3000)
    world.server.open[0]!.onmessage = null
    vi.mocked(navigator.onLine)
    const id = world.server.addConversation()
    world.server.socketsWork = false
    world.server.addMessage(id, { text: "Hi" })

    await pass(25_000)

    expect(second.state.get()).toMatchObject({ connection: "polling", unread: 1 })
  })

  it("send what each has queued, once", async () => {
    const id = world.server.addConversation()
    const [first, second] = [await world.start(), await world.start()]
    world.goOffline()
    first.conversation(id).send({ text: "1" })
    second.conversation(id).send({ text: "2" })
    await pass(100)

    world.goOnline()
    await pass(2000)

    expect(world.server.messages.map(({ text }) => text).sort()).toEqual(["1", "2"])
    expect(world.server.count(/POST .*messages/)).toBe(2)
    expect(world.storage.getItem("dexra:inbox1::outbox")).toBeNull()
  })

  it("take over what one of them leaves behind", async () => {
    const id = world.server.addConversation()
    const [first, second] = [await world.start(), await world.start()]
    world.goOffline()
    first.conversation(id).send({ text: "1" })
    second.conversation(id).send({ text: "2" })
    await pass(100)
    first.stop()
    await pass(100)

    world.goOnline()
    await pass(2000)

    expect(world.server.messages.map(({ text }) => text).sort()).toEqual(["1", "2"])
    expect(world.storage.getItem("dexra:inbox1::outbox")).toBeNull()
  })

  it("forget together who they were", async () => {
    const identity = { identifier: "ada", identifierHash: "x" }
    const [first, second] = [await world.start({ identity }), await world.start({ identity })]
    await pass(100)

    await first.reset()
    await pass(100)

    for (const tab of [first, second]) expect(tab.state.get().user!.external_id).toBeNull()
    expect(world.server.count(/DELETE .session/)).toBe(1)
    expect(first.state.get().user!.id).toBe(second.state.get().user!.id)
  })
})

describe("where a browser keeps nothing for a page", () => {
  it("a channel that is refused leaves every tab to itself", async () => {
    const refuse = () => {
      throw new DOMException("The operation is insecure.", "SecurityError")
    }
    vi.stubGlobal("BroadcastChannel", refuse)
    const id = world.server.addConversation()
    const [first, second] = [await world.start(), await world.start()]

    world.server.addMessage(id, { text: "Hi" })
    await pass(10)

    for (const tab of [first, second]) expect(tab.state.get()).toMatchObject({ connection: "online", unread: 1 })
    expect(world.server.open).toHaveLength(2)
  })
})

describe("where locks are refused", () => {
  const refusing = { request: () => Promise.reject(new DOMException("No", "SecurityError")) }

  it("every tab leads itself", async () => {
    Object.defineProperty(navigator, "locks", { configurable: true, value: refusing })
    const onHeld = vi.fn()

    hold("name", onHeld)
    joinTabs("name", onHeld, () => {})
    await pass(10)

    expect(onHeld).toHaveBeenCalledTimes(2)
    expect(await exclusively("name", async () => 7)).toBe(7)
  })

  it("an act that fails is not done twice", async () => {
    const act = vi.fn(() => Promise.reject(new Error("No")))

    await expect(exclusively("name", act)).rejects.toThrow("No")
    expect(act).toHaveBeenCalledTimes(1)
  })
})
