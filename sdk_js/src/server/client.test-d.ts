/** What must compile, and what must not; `tsc` runs it. */

import { createServerClient } from "."

const dexra = createServerClient({ apiKey: "dx_sk_test_x" })

export async function typed() {
  const message = await dexra.post("/v1/send-message", {
    body: { recipient_id: "+212600000001", channel: "sms", text: "Hello" },
  })
  const status: string = "status" in message ? message.status : "only validated"
  // @ts-expect-error  an id is text
  await dexra.post("/v1/send-message", { body: { recipient_id: 42, channel: "sms" } })
  // @ts-expect-error  no such path
  await dexra.get("/v1/nothing")
  // @ts-expect-error  the message has no such field
  message.colour
  const user = await dexra.get("/v1/users/{user_id}", { path: { user_id: "usr_1" } })
  for await (const conversation of dexra.each("/v1/conversations", { query: { status: "open" } })) {
    const subject: string = conversation.subject
    await dexra.patch("/v1/conversations/{conversation_id}", {
      path: { conversation_id: conversation.id },
      body: { status: "closed" },
    })
    void subject
  }
  return [status, user.name]
}
