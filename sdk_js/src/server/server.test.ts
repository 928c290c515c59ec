// @vitest-environment node
import { createHmac } from "node:crypto"
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { afterEach, describe, expect, it } from "vitest"
import { createServerClient, identifierHash, signIdentity, verifyWebhook } from "."

const SECRET = `whsec_${Buffer.from("a secret of thirty-two bytes ....").toString("base64")}`

function signed(body: string, { secret = SECRET, at = Math.floor(Date.now() / 1000) } = {}) {
  const key = Buffer.from(secret.slice("whsec_".length), "base64")
  const digest = createHmac("sha256", key).update(`evt_1.${at}.${body}`).digest("base64")
  return { "webhook-id": "evt_1", "webhook-timestamp": String(at), "webhook-signature": `v1a,x v1,${digest}` }
}

describe("verifyWebhook", () => {
  const body = '{"id":"evt_1","type":"message_in","data":{"message_text":"سلام"}}'

  it("returns the event of a genuine request, whether text or bytes", () => {
    expect(verifyWebhook(body, signed(body), SECRET).data.message_text).toBe("سلام")
    expect(verifyWebhook(Buffer.from(body), new Headers(signed(body)), SECRET).id).toBe("evt_1")
  })

  it("takes either secret while one is rotated", () => {
    const other = `whsec_${Buffer.from("the one that comes after it ....").toString("base64")}`
    expect(verifyWebhook(body, signed(body, { secret: other }), [SECRET, other]).id).toBe("evt_1")
  })

  it.each([
    ["other bytes", `${body} `, signed(body)],
    ["another secret", body, signed(body, { secret: `whsec_${Buffer.from("x").toString("base64")}` })],
    ["yesterday's signature", body, signed(body, { at: Math.floor(Date.now() / 1000) - 86_400 })],
    ["a time that is none", body, { ...signed(body), "webhook-timestamp": "now" }],
    ["no signature", body, { "webhook-id": "evt_1", "webhook-timestamp": "1" }],
  ])("refuses %s", (_, bytes, headers) => {
    expect(() => verifyWebhook(bytes, headers, SECRET)).toThrow(
      expect.objectContaining({ name: "DexraError", code: "webhook_not_verified" }),
    )
  })
})

describe("signIdentity", () => {
  it("makes a JWT with the identifier as its subject, and an end", () => {
    const [head, claims, signature] = signIdentity({ identifier: "42", email: "amine@example.ma" }, "token").split(".")
    const said = JSON.parse(Buffer.from(claims!, "base64url").toString())
    expect(said).toMatchObject({ sub: "42", email: "amine@example.ma" })
    expect(said.exp - said.iat).toBe(3600)
    expect(signature).toBe(createHmac("sha256", "token").update(`${head}.${claims}`).digest("base64url"))
  })

  it("refuses what the server would refuse", () => {
    expect(() => signIdentity({ identifier: "" }, "token")).toThrow(/identifier/)
    expect(() => signIdentity({ identifier: "42" }, "")).toThrow(/hmacToken/)
    expect(() => signIdentity({ identifier: "42" }, "token", { expiresIn: 8 * 86_400 })).toThrow(/expiresIn/)
  })

  it("hashes an identifier alone as the inbox does", () => {
    expect(identifierHash("42", "token")).toBe(createHmac("sha256", "token").update("42").digest("hex"))
  })
})

type Reply = (request: IncomingMessage, response: ServerResponse, body: string) => void
let stop: (() => void) | undefined
afterEach(() => stop?.())

async function serving(...replies: Reply[]) {
  const heard: { method?: string; url?: string; headers: IncomingMessage["headers"]; body: string }[] = []
  const server = createServer(async (request, response) => {
    let body = ""
    for await (const part of request) body += part
    heard.push({ method: request.method, url: request.url, headers: request.headers, body })
    const reply = replies[Math.min(heard.length, replies.length) - 1]!
    reply(request, response, body)
  })
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready))
  stop = () => server.close()
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  return { heard, dexra: createServerClient({ apiKey: "dx_sk_test_x", baseUrl, tries: 3 }) }
}

const json =
  (status: number, body: unknown, headers: Record<string, string> = {}): Reply =>
  (_, response) =>
    response.writeHead(status, { "Content-Type": "application/json", ...headers }).end(JSON.stringify(body))

describe("createServerClient", () => {
  const text = { recipient_id: "+212600000001", channel: "sms", text: "Hello" } as const

  it("sends the key, the body and an idempotency key", async () => {
    const { dexra, heard } = await serving(json(202, { id: "msg_1" }))

    expect(await dexra.post("/v1/send-message", { body: text })).toEqual({ id: "msg_1" })

    expect(heard[0]).toMatchObject({ method: "POST", url: "/v1/send-message", body: JSON.stringify(text) })
    expect(heard[0]!.headers.authorization).toBe("Bearer dx_sk_test_x")
    expect(heard[0]!.headers["idempotency-key"]).toMatch(/^[0-9a-f-]{36}$/)
  })

  it("says it again under the same key when the answer is lost or the server is busy", async () => {
    const lost: Reply = (request) => request.socket.destroy()
    const { dexra, heard } = await serving(lost, json(503, {}, { "Retry-After": "0.01" }), json(202, { id: "msg_1" }))

    await dexra.post("/v1/send-message", { body: text })

    expect(new Set(heard.map((one) => one.headers["idempotency-key"])).size).toBe(1)
    expect(heard).toHaveLength(3)
  })

  it("gives up after its tries and says what was in the way", async () => {
    const { dexra, heard } = await serving(json(503, {}, { "Retry-After": "0.01" }))

    await expect(dexra.get("/v1/account")).rejects.toMatchObject({ code: "http_error", status: 503 })

    expect(heard).toHaveLength(3)
  })

  it("tells a refusal with its code, field and request id, at once", async () => {
    const told = { error: { code: "invalid_phone_number", message: "No.", param: "recipient_id" } }
    const { dexra, heard } = await serving(json(422, told, { "Request-Id": "req_1" }))

    await expect(dexra.post("/v1/send-message", { body: text })).rejects.toMatchObject({
      name: "DexraError",
      code: "invalid_phone_number",
      field: "recipient_id",
      status: 422,
      requestId: "req_1",
    })
    expect(heard).toHaveLength(1)
  })

  it("walks all pages of a list", async () => {
    const { dexra, heard } = await serving(
      json(200, { data: [{ id: "conv_2" }], has_more: true, next_cursor: "a b" }),
      json(200, { data: [{ id: "conv_1" }], has_more: false, next_cursor: null }),
    )
    const found = []

    for await (const one of dexra.each("/v1/conversations", { query: { status: "open" } })) found.push(one.id)

    expect(found).toEqual(["conv_2", "conv_1"])
    expect(heard.map((one) => one.url)).toEqual([
      "/v1/conversations?status=open",
      "/v1/conversations?status=open&cursor=a+b",
    ])
  })

  it("puts ids into paths so that they cannot be anything else", async () => {
    const { dexra, heard } = await serving(json(200, {}))

    await dexra.get("/v1/users/{user_id}", { path: { user_id: "a/../b?c" } })

    expect(heard[0]!.url).toBe("/v1/users/a%2F..%2Fb%3Fc")
    await expect(dexra.get("/v1/users/{user_id}", { path: { user_id: "" } })).rejects.toThrow(/path.user_id/)
  })

  it("takes no publishable key", () => {
    expect(() => createServerClient({ apiKey: "dx_pk_test_x" })).toThrow(/dx_sk_/)
  })
})
