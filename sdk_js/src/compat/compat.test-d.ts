/** What must compile on a page that was written for `SBUser`, and what must not; `tsc` runs it. */

import { createDexra } from ".."
import { installCompat, type SBConversation, type SBUser } from "."

installCompat(createDexra({ inbox: "inbox1" }), { open() {}, close() {}, isOpen: () => false })

/** Nothing where a type is `any`: what is `any` goes everywhere. */
type Real<Type> = 0 extends 1 & Type ? never : Type

export async function typed() {
  const user: Real<SBUser> = new window.SBUser({ first_name: "Amine", email: ["amine@example.ma", "Email"] })
  const saved: Real<Awaited<ReturnType<typeof user.update>>> = await user.update((same) => same.get("email"))
  const [first] = await saved.take({} as Parameters<SBUser["take"]>[0]).getConversations()
  const conversation: SBConversation | undefined = first
  const title: string = saved.get("first_name") + saved.getExtra("birthday")
  window.SBChat.sendMessage(-1, "Hello", [], ({ message_id }) => message_id.length)
  const active: SBUser | false = window.SBF.activeUser()
  // @ts-expect-error  it is no longer just anything
  saved.nothing()
  // @ts-expect-error  a status is a number
  await window.SBChat.setConversationStatus("closed")
  // @ts-expect-error  the server decides who somebody is
  user.type = "agent"
  // @ts-expect-error  the client is not the page's
  user.client
  return [conversation, title, active]
}
