import { cleanup, fireEvent, render, screen } from "@testing-library/react"
import { afterEach, describe, expect, it } from "vitest"
import { DexraError } from "../errors"
import { DexraProvider, MessageList } from "./index"
import { aMessage, ONLINE, scriptedClient, scriptedConversation } from "./scripted"

afterEach(cleanup)

function show(content_type: string, content_attributes: Record<string, unknown>) {
  const message = aMessage({ content_type, content_attributes, text: "" })
  const conversation = scriptedConversation({ messages: [message] })
  const { container } = render(
    <DexraProvider client={scriptedClient(ONLINE, conversation)}>
      <MessageList />
    </DexraProvider>,
  )
  const answers = () => conversation.calls.filter(([name]) => name == "submit").map(([, , values]) => values)
  return { conversation, answers, container }
}

const CHOICES = [
  { title: "Yes", value: "y" },
  { title: "No", value: "n" },
]
const click = (name: string) => fireEvent.click(screen.getByRole("button", { name }))

describe("choices", () => {
  it("are answered by one of them", () => {
    const { answers } = show("input_select", { items: CHOICES })
    click("No")
    expect(answers()).toEqual([[{ title: "No", value: "n" }]])
  })

  it("show what was chosen and take no other", () => {
    show("input_select", { items: CHOICES, submitted_values: [{ title: "No", value: "n" }] })
    const buttons = screen.getAllByRole<HTMLButtonElement>("button", { name: /Yes|No/ })
    expect(buttons.map((each) => [each.disabled, each.getAttribute("aria-pressed")])).toEqual([
      [true, "false"],
      [true, "true"],
    ])
  })

  it("lead to a page where one is named, and only to where may be gone", () => {
    const items = [
      { title: "Shop", value: "", url: "https://shop.example/" },
      { title: "Trap", value: "", url: "javascript:alert(1)" },
    ]
    show("input_select", { items })
    expect(screen.getByRole<HTMLAnchorElement>("link", { name: "Shop" }).href).toBe("https://shop.example/")
    expect(screen.queryByText("Trap")).toBeNull()
  })

  it("say what went wrong and can be tried again", async () => {
    const { conversation, answers } = show("input_select", { items: CHOICES })
    conversation.refusal = new DexraError("rate_limited", "Slow down.")
    click("Yes")
    expect((await screen.findByRole("alert")).textContent).toBe("Too much at once: wait a moment.")
    conversation.refusal = null
    click("Yes")
    expect(answers()).toHaveLength(2)
  })
})

describe("cards and articles", () => {
  it("link only to where may be gone", () => {
    const actions = [
      { type: "link", text: "Look", uri: "https://a.example" },
      { type: "link", text: "Trap", uri: "javascript:alert(1)" },
    ]
    show("cards", { items: [{ title: "Bag", description: "Blue", actions }] })
    expect(screen.getAllByRole("link").map((each) => each.textContent)).toEqual(["Look"])
  })

  it("send what a button stands for", () => {
    const { answers } = show("cards", {
      items: [{ title: "Bag", actions: [{ type: "postback", text: "Buy", payload: "B" }] }],
    })
    click("Buy")
    expect(answers()).toEqual([[{ title: "Buy", value: "B" }]])
  })

  it("list articles", () => {
    show("article", {
      items: [{ title: "Returns", description: "30 days", link: "https://a.example/r" }, { title: "None" }],
    })
    expect(screen.getByRole<HTMLAnchorElement>("link", { name: /Returns/ }).href).toBe("https://a.example/r")
    expect(screen.getByText("None")).toBeDefined()
  })
})

describe("forms", () => {
  const ITEMS = [
    { name: "order", type: "text", label: "Order", required: true },
    { name: "why", type: "select", label: "Reason", options: [{ label: "Late", value: "late" }] },
    { name: "call", type: "checkbox", label: "Call me" },
  ]

  it("send the value of every field under its name", () => {
    const { answers } = show("form", { items: ITEMS, button_label: "Go" })
    fireEvent.change(screen.getByLabelText("Order"), { target: { value: "4821" } })
    fireEvent.change(screen.getByLabelText("Reason"), { target: { value: "late" } })
    fireEvent.click(screen.getByLabelText("Call me"))
    fireEvent.submit(screen.getByRole("button", { name: "Go" }).closest("form")!)

    expect(answers()).toEqual([
      [
        { name: "order", title: "Order", value: "4821" },
        { name: "why", title: "Reason", value: "late" },
        { name: "call", title: "Call me", value: true },
      ],
    ])
  })

  it("show what was filled in", () => {
    show("form", { items: ITEMS, submitted_values: [{ name: "order", value: "4821" }] })
    expect(screen.getByText("Order").nextSibling!.textContent).toBe("4821")
    expect(screen.queryByRole("button", { name: "Send" })).toBeNull()
  })

  it("ask for an e-mail address as one", () => {
    const { answers } = show("input_email", {})
    const field = screen.getByLabelText<HTMLInputElement>("Your e-mail address")
    fireEvent.change(field, { target: { value: "a@b.example" } })
    fireEvent.submit(field.closest("form")!)

    expect([field.type, field.autocomplete]).toEqual(["email", "email"])
    expect(answers()).toEqual([[{ name: "email", title: "Your e-mail address", value: "a@b.example" }]])
  })
})

describe("surveys", () => {
  it("are five radio buttons, and words when one is chosen", () => {
    const { answers } = show("input_csat", {})
    expect(screen.queryByRole("textbox")).toBeNull()
    fireEvent.click(screen.getByRole("radio", { name: "Good" }))
    fireEvent.change(screen.getByRole("textbox"), { target: { value: "Quick" } })
    fireEvent.submit(screen.getByRole("textbox").closest("form")!)

    expect(screen.getAllByRole("radio")).toHaveLength(5)
    expect(answers()).toEqual([{ csat_survey_response: { rating: 4, feedback_message: "Quick" } }])
  })

  it("thank who has answered", () => {
    show("input_csat", { submitted_values: { csat_survey_response: { rating: 1 } } })
    expect(screen.getByText("Very bad")).toBeDefined()
    expect(screen.queryByRole("radio")).toBeNull()
  })
})

it.each(["cards", "form", "article", "input_select", "input_csat", "input_email", "unheard_of"])(
  "%s with nonsense in it breaks nothing",
  (type) => {
    const nonsense = [null, 1, { title: { a: 1 }, name: [], options: "x", actions: {} }, { title: ["a"] }]
    const { container } = show(type, { items: nonsense, header: 1, submitted_values: null, button_label: 7 })
    expect(container.querySelector("[role=article]")).not.toBeNull()
  },
)
