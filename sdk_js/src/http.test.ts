import { afterEach, beforeEach, expect, it, vi } from "vitest"
import { DexraError } from "./errors"
import { createHttp } from "./http"
import { failure, json, serve } from "./testing/server"
import type { ScriptedServer } from "./testing/server"

const http = createHttp("https://chat.test/")
let server: ScriptedServer
const refusal = (asked: Promise<unknown>): Promise<DexraError> =>
  asked.then(
    () => expect.unreachable(),
    (error: DexraError) => error,
  )

beforeEach(() => {
  vi.useFakeTimers()
  server = serve()
})
afterEach(() => {
  vi.unstubAllGlobals()
  vi.useRealTimers()
})

it("tells what the server says is wrong", async () => {
  server.refuse(/POST .me/, 429, "rate_limited", 1, { "Retry-After": "7" })

  const error = await refusal(http("POST", "/me", "dxs_1", {}))

  expect(error).toMatchObject({
    ...{ name: "DexraError", code: "rate_limited", message: "The server says rate_limited." },
    ...{ status: 429, retryAfter: 7, requestId: "req_1", isTransient: true },
  })
  expect(server.asked).toEqual([{ method: "POST", path: "/me", token: "dxs_1", body: {} }])
})

type Answer = Parameters<ScriptedServer["when"]>[1]
const page =
  (status: number, text: string): Answer =>
  () =>
    ({ ...json({}, status), text: async () => text }) as Response
const refusals: [string, Answer, string, number, boolean][] = [
  ["no network", () => "lose", "network", 0, true],
  ["a portal's page", page(200, "<html>"), "bad_answer", 0, true],
  ["a proxy's page", page(502, "<html>"), "http_502", 502, true],
  ["a wrong field", () => failure(422, "invalid"), "invalid", 422, false],
  ["a missing page", page(404, ""), "http_404", 404, false],
]

it.each(refusals)("makes an error of %s", async (_what, answer, code, status, isTransient) => {
  server.when(/POST/, answer)

  expect(await refusal(http("POST", "/sessions", undefined, {}))).toMatchObject({ code, status, isTransient })
})

it("gives up what is not answered within 15 s", async () => {
  server.when(/POST/, () => "hang")
  const asked = refusal(http("POST", "/sessions"))
  await vi.advanceTimersByTimeAsync(15_000)

  expect(await asked).toMatchObject({ code: "timeout", isTransient: true })
  expect(vi.getTimerCount()).toBe(0)
})

it("repeats reading three times, and writing never", async () => {
  server.refuse(/./, 503, "unavailable", 10)
  const read = refusal(http("GET", "/me"))
  await vi.advanceTimersByTimeAsync(10_000)
  await read
  expect(server.asked).toHaveLength(3)

  await refusal(http("POST", "/me"))
  expect(server.asked).toHaveLength(4)
})

it("does not wait for long where somebody waits for the answer", async () => {
  server.refuse(/./, 429, "rate_limited", 10, { "Retry-After": "60" })

  expect(await refusal(http("GET", "/me"))).toMatchObject({ retryAfter: 60 })
})
