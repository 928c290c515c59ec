import jquery from "jquery"
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest"
import { installCompat, SBConversation } from "."
import { AMINE, message, scriptedClient, summary } from "./scripted"

const page = window as any
const panel = { open: vi.fn(), close: vi.fn(), isOpen: () => false }
const soon = () => new Promise((go) => setTimeout(go, 1))
const native = { add: document.addEventListener, remove: document.removeEventListener }
let added: [name: string, listener: any][]

let scripted: ReturnType<typeof scriptedClient>
let uninstall: () => void

beforeEach(() => {
  scripted = scriptedClient()
  added = []
  document.addEventListener = ((name: string, listener: any) => {
    added.push([name, listener])
    native.add.call(document, name, listener)
  }) as typeof native.add
})
afterEach(() => {
  uninstall?.()
  for (const [name, listener] of added) native.remove.call(document, name, listener)
  document.addEventListener = native.add
  for (const name of ["jQuery", "SBApps", "SBF", "SBInit"]) delete page[name]
  vi.clearAllMocks()
})

function install() {
  uninstall = installCompat(scripted.client, panel).stop
}

/** What a page hears from now on. */
function heard(name: string) {
  const events: unknown[] = []
  document.addEventListener(name, (event) => events.push((event as CustomEvent).detail))
  return events
}

/** The snippet as customers paste it. */
function seedSnippet() {
  document.addEventListener("SBInit", function () {
    const user = new page.SBUser(
      { first_name: "Amine", email: "amine@example.ma", user_type: "premium" },
      { subscription_expiry: "2026-12-31", account_manager: "Sarah" },
    )
    user.update()
  })
}

const PUSHED = {
  first_name: "Amine",
  email: "amine@example.ma",
  user_type: "premium",
  custom_attributes: { subscription_expiry: "2026-12-31", account_manager: "Sarah" },
}

describe("the pasted snippet", () => {
  it("pushes what the app knows when it stands before our script", async () => {
    seedSnippet()
    install()
    await soon()
    expect(scripted.asked).toEqual([["update", PUSHED]])
  })

  it("does so when it stands after our script", async () => {
    install()
    seedSnippet()
    await soon()
    expect(scripted.asked).toEqual([["update", PUSHED]])
  })

  it("does so when it runs long after SBInit", async () => {
    install()
    await soon()
    seedSnippet()
    await soon()
    expect(scripted.asked).toEqual([["update", PUSHED]])
  })

  it("is served through jQuery, once, early or late", async () => {
    page.jQuery = jquery
    const calls: string[] = []
    jquery(document).on("SBInit", () => calls.push("early"))
    install()
    await soon()
    jquery(document).on("SBInit", () => calls.push("late"))
    jquery(document).on("SBInit", () => calls.push("later"))
    await soon()
    await soon()
    expect(calls).toEqual(["early", "late", "later"])
    jquery(document).off()
  })

  it("resolves the promise SBReady", async () => {
    install()
    await expect(page.SBReady).resolves.toBeUndefined()
  })

  it("waits for the rest of the page while it is loading", async () => {
    const loading = vi.spyOn(document, "readyState", "get").mockReturnValue("loading")
    const inits = heard("SBInit")
    install()
    await soon()
    expect(inits).toHaveLength(0)
    loading.mockRestore()
    document.dispatchEvent(new Event("DOMContentLoaded"))
    await soon()
    expect(inits).toHaveLength(1)
  })
})

describe("SBUser", () => {
  beforeEach(install)

  it("takes values alone or with their label", async () => {
    const user = new page.SBUser({ first_name: ["Amine", "First name"] }, { phone: ["+212600000001", "Phone"] })
    await user.update()
    expect(scripted.asked).toEqual([["update", { first_name: "Amine", phone_number: "+212600000001" }]])
  })

  it("never sends an id, a password or a token of another system", async () => {
    await new page.SBUser({ id: 7, password: "x", token: "y", email: "amine@example.ma" }).update()
    expect(scripted.asked).toEqual([["update", { email: "amine@example.ma" }]])
  })

  it("is what the server says after an update, and tells the callback too", async () => {
    const callback = vi.fn()
    const user = await new page.SBUser({ first_name: "Amine" }).update(callback)
    expect(callback).toHaveBeenCalledWith(user)
    expect([user.get("email"), user.name, user.id]).toEqual(["amine@example.ma", "Amine", AMINE.id])
  })

  it("reads an extra value as a text that also has a value", () => {
    const user = new page.SBUser({}, { birthday: "1990-01-01" })
    expect(`${user.getExtra("birthday")}`).toBe("1990-01-01")
    expect(user.getExtra("birthday").value).toBe("1990-01-01")
    expect(`${user.getExtra("nothing")}`).toBe("")
  })

  it("is never staff, whatever a page says", () => {
    const user = new page.SBUser({ user_type: "admin" })
    expect(user.type).toBe("lead")
    expect(page.SBF.isAgent(user.type)).toBe(false)
  })

  it("erases nobody from a page", () => {
    const warn = vi.spyOn(console, "warn").mockImplementation(() => {})
    expect(new page.SBUser().delete()).toBe(false)
    expect(warn.mock.calls[0]![0]).toMatch(/DELETE \/v1\/users/)
  })

  it("lists conversations with their last message", async () => {
    const { author } = message()
    const last_message = { id: "msg_9", text: "See you", created_at: "2026-11-20T20:00:00Z", author }
    scripted.state.set({ conversations: [summary({ last_message }), summary({ id: "conv_2" })] })
    const user = new page.SBUser()
    const found = await user.getConversations(undefined, "conv_2")
    expect(found.map((one: SBConversation) => one.id)).toEqual(["conv_1"])
    expect(found[0].getLastMessage().message).toBe("See you")
    expect(user.getConversationByID("conv_1", true)).toBe(0)
    expect(user.getConversationByID("conv_3")).toBe(false)
  })
})

describe("SBChat", () => {
  beforeEach(install)

  it("opens and closes the panel", () => {
    page.SBChat.open()
    page.SBChat.open(false)
    expect([panel.open.mock.calls.length, panel.close.mock.calls.length]).toEqual([1, 1])
  })

  it("sends a message and calls back when the server has it", () => {
    const onSuccess = vi.fn()
    page.SBChat.sendMessage(-1, "Hello", [["plan.png", "https://example.com/plan.png"]], onSuccess)
    expect(scripted.asked).toEqual([["send", { text: "Hello\nplan.png: https://example.com/plan.png" }]])
    scripted.emit("message_sent", message({ client_message_id: "another" }))
    scripted.emit("message_sent", message({ id: "msg_7", client_message_id: "c1" }))
    expect(onSuccess).toHaveBeenCalledTimes(1)
    expect(onSuccess.mock.calls[0]![0].message_id).toBe("msg_7")
  })

  it("begins a conversation with a first message", () => {
    const made = vi.fn()
    page.SBChat.newConversation(0, -1, "Hello", [], null, null, made)
    expect(scripted.asked).toEqual([["newConversation"], ["send", { text: "Hello" }]])
    scripted.emit("conversation_created", summary({ id: "conv_5" }))
    expect(made.mock.calls[0]![0].id).toBe("conv_5")
  })

  it("closes a conversation when it is archived", async () => {
    expect(await page.SBChat.setConversationStatus(3)).toBe(true)
    expect(scripted.asked).toEqual([["close"]])
  })

  it("says once what is not supported, and what to use", () => {
    const warn = vi.spyOn(console, "warn").mockImplementation(() => {})
    page.SBChat.slackMessage("x")
    page.SBChat.slackMessage("x")
    page.SBApps.dialogflow.toString()
    const said = warn.mock.calls.map(([text]) => text)
    expect(said.filter((text) => text.includes("SBChat.slackMessage is"))).toHaveLength(1)
    expect(said.find((text) => text.includes("SBChat.slackMessage"))).toMatch(/webhook/)
    expect(said.find((text) => text.includes("SBApps.dialogflow"))).toBeTruthy()
  })
})

describe("the events on document", () => {
  beforeEach(install)

  it.each([
    ["SBNewMessagesReceived", "message", message(), (detail: any) => detail[0].message, "Hello"],
    ["SBMessageSent", "message_sent", message({ id: "msg_3" }), (detail: any) => detail.message_id, "msg_3"],
    ["SBNewConversationCreated", "conversation_created", summary(), (detail: any) => detail.id, "conv_1"],
    ["SBTyping", "typing", { is_typing: true }, (detail: any) => detail, true],
    ["SBLogout", "reset", null, (detail: any) => detail, null],
    ["SBError", "error", { code: "network", message: "No." }, (detail: any) => detail.message, "No."],
    ["SBActiveUserLoaded", "ready", {}, (detail: any) => detail.get("email"), "amine@example.ma"],
  ])("tell %s", (name, happened, event, shown, expected) => {
    const details = heard(name)
    scripted.emit(happened as "message", event as never)
    expect(details.map(shown)).toEqual([expected])
  })

  it("tell of unread messages as they come and go, and of a status once", () => {
    const [notes, statuses] = [heard("SBNotificationsUpdate"), heard("SBActiveConversationStatusUpdated")]
    for (const unread_count of [1, 1, 0]) scripted.emit("conversation_updated", summary({ unread_count }))
    scripted.emit("conversation_updated", summary({ status: "closed" }))
    expect(notes.map((note: any) => note.action)).toEqual(["add", "remove"])
    expect(statuses.map((one: any) => one.status_code)).toEqual([0, 3])
  })

  it("give a jQuery handler the payload as its second argument", () => {
    page.jQuery = jquery
    const calls: unknown[][] = []
    page.SBF.event("SBTyping", false)
    jquery(document).on("SBTyping", (_event: unknown, ...values: unknown[]) => void calls.push(values))
    scripted.emit("typing", { is_typing: true } as never)
    expect(calls).toEqual([[true]])
    jquery(document).off()
  })
})

describe("SBConversation", () => {
  const said = (id: string, user_type: string, text = id) => ({ id, user_type, message: text })
  const talk = new SBConversation([said("1", "user", "Hello"), said("2", "bot"), said("3", "agent"), said("4", "user")])

  it.each([
    [false, "4"],
    [true, "3"],
    ["bot", "2"],
    ["no-bot", "3"],
    ["all", "4"],
  ] as const)("finds the last message of %s", (whose, id) => {
    expect((talk.getLastUserMessage(undefined, whose) as any).id).toBe(id)
  })

  it("searches what was said", () => {
    expect(talk.searchMessages("hell").map((one) => one.id)).toEqual(["1"])
    expect(talk.searchMessages("hell", true)).toEqual([])
  })

  it("lists files with what they are", () => {
    const withFile = new SBConversation([{ id: "1", attachments: [["plan.png", "https://x/plan.png"]] }])
    expect(withFile.getAttachments()).toEqual([["plan.png", "https://x/plan.png", "png", "1"]])
  })
})
