import { expect, it, vi } from "vitest"
import { pass, useWorld } from "./testing/page"
import { json } from "./testing/server"

const world = useWorld()
const told = () => world.server.asked.filter(({ path }) => path == "/me").map(({ body }) => body)

it("tells everything of a quarter of a second at once, to all who said it", async () => {
  const client = await world.start()
  const first = client.update({ name: "Ada", custom_attributes: { plan: "pro" } })
  const second = client.update({ city: "Lyon", custom_attributes: { seats: 3 } })
  await pass(249)
  expect(told()).toEqual([])
  await pass(10)

  expect(told()).toEqual([{ name: "Ada", city: "Lyon", custom_attributes: { plan: "pro", seats: 3 } }])
  expect(await first).toBe(await second)
  expect(client.state.get().user).toMatchObject({ name: "Ada", city: "Lyon" })
  expect(world.told.filter(([name]) => name == "user")).toHaveLength(2)
})

it("does not tell what the server knows, nor what is blank", async () => {
  const client = await world.start({ attributes: { name: "Ada", custom_attributes: { plan: "pro" } } })

  const user = client.update({ name: "Ada", city: "", email: undefined, custom_attributes: { plan: "pro" } })
  await pass(300)

  expect((await user).name).toBe("Ada")
  expect(told()).toEqual([])
})

it("waits for the start", async () => {
  const client = world.open()
  const user = client.update({ name: "Ada" })
  void client.update({ city: "Lyon" })
  await pass(1000)
  void client.start()
  await pass(1000)

  expect((await user).name).toBe("Ada")
  expect(told()).toEqual([{ name: "Ada", city: "Lyon" }])
})

it("says once why something was not taken, and does not insist", async () => {
  const warned = vi.spyOn(console, "warn").mockImplementation(() => {})
  const client = await world.start()
  const ignored = [{ field: "email", reason: "signed" }]
  world.server.when(/PATCH .me/, () => json({ ...client.state.get().user, ignored }), 5)

  for (const email of ["a@example.com", "a@example.com", "b@example.com"]) {
    void client.update({ email })
    await pass(300)
  }

  expect(warned.mock.calls).toEqual([[expect.stringMatching(/email.*signed/)]])
  expect(told()).toEqual([{ email: "a@example.com" }, { email: "b@example.com" }])
})

it("rejects for all who said it, and the next one is a new one", async () => {
  const client = await world.start()
  world.server.refuse(/PATCH .me/, 422, "invalid")
  const refused = expect(client.update({ name: "x" })).rejects.toMatchObject({ code: "invalid" })
  await pass(300)
  await refused

  void client.update({ city: "Lyon" })
  await pass(300)
  expect(told()[1]).toEqual({ city: "Lyon" })
})
