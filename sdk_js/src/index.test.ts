// @vitest-environment node
import { expect, it, vi } from "vitest"
import { createDexra, DexraError } from "./index"

it("can be imported and made where there is no browser, and does nothing", async () => {
  const fetched = vi.spyOn(globalThis, "fetch")
  const client = createDexra({ inbox: "inbox1" })
  const watch = vi.fn()
  client.state.subscribe(watch)()

  expect(client.state.get()).toMatchObject({ connection: "idle", conversations: [], unread: 0 })
  expect(client.state.get()).toBe(client.state.get())
  expect(client.newConversation().state.get()).toMatchObject({ summary: null, messages: [] })
  client.stop()
  expect(fetched).not.toHaveBeenCalled()
  expect(watch).not.toHaveBeenCalled()
})

it("has errors that are known by their name", () => {
  const error = new DexraError("file_too_large", "Too large.", { status: 413, field: "file" })

  expect(error).toBeInstanceOf(Error)
  expect({ ...error }).toMatchObject({ name: "DexraError", code: "file_too_large", status: 413, isTransient: false })
  expect(error.message).toBe("Too large.")
})
