/** Every state the chat can be in, by name: what the gallery shows and what is tested there. */

import {
  ADA,
  aMessage,
  anAttachment,
  aSummary,
  INBOX,
  ONLINE,
  PERSON,
  ROBOT,
  scriptedClient,
  scriptedConversation,
  type ScriptedClient,
} from "../../src/react/scripted"
import type { ClientState, ConversationState, Message } from "../../src/types"

const PICTURE = "/picture.svg"
const minutesAgo = (minutes: number) => new Date(Date.now() - minutes * 60_000).toISOString()

function said(text: string, minutes: number, change: Partial<Message> = {}): Message {
  return aMessage({ text, created_at: minutesAgo(minutes), ...change })
}

function asked(text: string, minutes: number, change: Partial<Message> = {}): Message {
  return said(text, minutes, { direction: "inbound", author: PERSON, status: "received", ...change })
}

function talk(
  messages: Message[],
  state: Partial<ConversationState> = {},
  client: Partial<ClientState> = {},
): ScriptedClient {
  return scriptedClient({ ...ONLINE, ...client }, scriptedConversation({ summary: aSummary(), messages, ...state }))
}

const TALK = () => [
  said("Good evening! Your parcel is with the carrier now.", 1500),
  asked("Hello 👋 Where is my order 4821?", 42),
  asked("It should have come on Friday.", 41),
  said("Let me look.", 40),
  said("It left our warehouse this morning:\nhttps://example.com/track/4821?lang=en (carrier: North Post).", 39),
  asked("Great, thank you!", 38, { edited_at: minutesAgo(37) }),
]

function rich(content_type: string, content_attributes: Record<string, unknown>, text = ""): Message {
  return said(text, 5, { content_type, content_attributes })
}

const CHOICES = {
  items: [
    { title: "Delivery", value: "d" },
    { title: "Returns", value: "r" },
    { title: "Something else", value: "o" },
  ],
}
const FIELDS = [
  { name: "order", type: "text", label: "Order number", placeholder: "4821", required: true },
  {
    name: "why",
    type: "select",
    label: "Reason",
    options: [
      { label: "Too late", value: "late" },
      { label: "Broken", value: "broken" },
    ],
  },
  { name: "more", type: "text_area", label: "Anything else" },
  { name: "call", type: "checkbox", label: "Please call me" },
]
const CARDS = [
  {
    title: "Canvas bag",
    description: "Organic cotton, 12 litres.",
    media_url: PICTURE,
    actions: [
      { type: "link", text: "Look at it", uri: "https://example.com/bag" },
      { type: "postback", text: "Order it", payload: "BAG" },
    ],
  },
]
const ARTICLES = [
  { title: "How returns work", description: "Thirty days, free of charge.", link: "https://example.com/returns" },
  { title: "Shipping times", description: "By country.", link: "https://example.com/shipping" },
]

const stopped = (code: string): ClientState =>
  ({ connection: "stopped", inbox: null, error: { code, message: code } }) as ClientState

function several(): ScriptedClient {
  const one = scriptedConversation({ summary: aSummary(), messages: TALK() })
  const two = scriptedConversation({
    summary: aSummary({ id: "conv_2", assignee: null, status: "closed" }),
    messages: [asked("Thanks!", 9000)],
  })
  const last = (text: string, minutes: number, author = ADA as Message["author"]) => ({
    id: "m",
    text,
    created_at: minutesAgo(minutes),
    author,
  })
  const conversations = [
    aSummary({ last_message: last("Great, thank you!", 38, PERSON) }),
    aSummary({
      id: "conv_2",
      assignee: null,
      subject: "Invoice of May",
      unread_count: 3,
      last_message: last("Here it is, with the address changed as you asked.", 1600),
    }),
    aSummary({ id: "conv_3", assignee: null, last_message: last("Anything else?", 14000, ROBOT) }),
  ]
  return scriptedClient({ ...ONLINE, conversations, hasMoreConversations: true, unread: 3 }, one, two)
}

export const STATES: Record<string, () => ScriptedClient> = {
  talk: () => talk(TALK(), { summary: aSummary({ agents_seen_at: minutesAgo(38.5) }) }),
  empty: () => scriptedClient({ ...ONLINE, inbox: { ...INBOX, greeting: "Hi! Ask us anything about your order." } }),
  loading: () => scriptedClient(ONLINE, scriptedConversation({ isLoading: true })),
  not_loaded: () =>
    scriptedClient(ONLINE, scriptedConversation({ error: { code: "internal", message: "The server is not there." } })),
  connecting: () => scriptedClient({ connection: "connecting" }),
  offline: () => talk([...TALK(), asked("Are you there?", 1, { status: "queued" })], {}, { connection: "offline" }),
  polling: () => talk(TALK(), {}, { connection: "polling" }),
  identity_required: () => scriptedClient(stopped("identity_required")),
  origin_not_allowed: () => scriptedClient(stopped("origin_not_allowed")),
  inbox_not_found: () => scriptedClient(stopped("inbox_not_found")),
  session_expired: () => talk(TALK(), {}, { connection: "stopped", error: { code: "session_expired", message: "" } }),
  user_blocked: () => talk(TALK(), {}, { error: { code: "user_blocked", message: "" } }),
  storage_unavailable: () => talk(TALK(), {}, { error: { code: "storage_unavailable", message: "" } }),
  closed: () => talk(TALK(), { summary: aSummary({ status: "closed" }) }),
  out_of_office: () => scriptedClient({ ...ONLINE, inbox: { ...INBOX, is_open: false } }),
  test_mode: () => talk(TALK(), {}, { livemode: false }),
  new_messages: () => talk(TALK(), { summary: aSummary({ unread_count: 2, seen_at: minutesAgo(41) }), hasOlder: true }),
  sending: () =>
    talk(
      [
        asked("Sent and seen", 30, { status: "received" }),
        asked("Sent", 20, { status: "received" }),
        asked("On its way", 10, { status: "sending" }),
        asked("Waiting", 3, { status: "queued" }),
        asked("This one could not be sent", 1, { status: "failed", failure: { code: "file_too_large", message: "" } }),
      ],
      { summary: aSummary({ agents_seen_at: minutesAgo(25) }) },
    ),
  changed: () =>
    talk([
      said("At ten, not at nine.", 9, { edited_at: minutesAgo(8) }),
      said("This message was deleted", 7, { deleted_at: minutesAgo(6) }),
    ]),
  files: () =>
    talk([
      said("Is it this one?", 9, {
        attachments: [
          anAttachment({ type: "image", url: PICTURE, filename: "bag.jpg", details: { width: 480, height: 300 } }),
        ],
      }),
      said("", 8, {
        attachments: [
          anAttachment({ filename: "Invoice of the fourth of May, corrected.pdf" }),
          anAttachment({ type: "audio", url: "/silence.wav", filename: "voice.wav" }),
        ],
      }),
      said("", 7, {
        attachments: [
          anAttachment({
            type: "location",
            url: "geo:1,2",
            filename: "",
            details: { latitude: 48.85, longitude: 2.35, name: "Shop", address: "12 Rue des Lilas, Paris" },
          }),
          anAttachment({
            type: "contact",
            url: "",
            filename: "",
            details: { name: "Carrier", phone_numbers: ["+33 1 23 45 67 89"], emails: ["help@example.com"] },
          }),
        ],
      }),
      asked("", 1, {
        status: "sending",
        attachments: [anAttachment({ filename: "receipt.pdf", url: "blob:x", progress: 0.4 })],
      }),
    ]),
  choices: () =>
    talk([
      rich("input_select", CHOICES, "What is it about?"),
      rich("input_select", { ...CHOICES, submitted_values: [{ title: "Returns", value: "r" }] }, "And before?"),
    ]),
  cards: () =>
    talk([
      rich("cards", { items: CARDS }, "You may like this."),
      rich("article", { items: ARTICLES }, "These may help."),
    ]),
  form: () => talk([rich("form", { items: FIELDS, button_label: "Send it" }, "Tell us more.")]),
  form_done: () =>
    talk([
      rich("form", {
        items: FIELDS,
        submitted_values: [
          { name: "order", value: "4821" },
          { name: "call", value: true },
        ],
      }),
      rich("input_email", {}, "Where can we reach you?"),
    ]),
  survey: () =>
    talk([
      rich("input_csat", {}, "How was it?"),
      rich("input_csat", { submitted_values: { csat_survey_response: { rating: 4 } } }),
    ]),
  typing: () => talk(TALK(), { typing: [ADA] }),
  thinking: () => talk(TALK(), { ai: { state: "searching", text: "" } }),
  streaming: () =>
    talk([...TALK(), said("I am looking.", 1, { author: ROBOT })], {
      ai: { state: "writing", text: "Your parcel left on Monday. It is now in" },
    }),
  handed_off: () => talk(TALK(), { ai: { state: "handed_off", text: "" } }),
  accent: () =>
    talk([
      said("Everything about it: https://example.com/returns", 9),
      asked("I have read https://example.com/shipping", 8, { attachments: [anAttachment()] }),
      rich("input_select", { ...CHOICES, submitted_values: [{ title: "Returns", value: "r" }] }, "What is it about?"),
      rich("article", { items: ARTICLES }),
    ]),
  several,
  long: () =>
    talk(
      Array.from({ length: 1000 }, (_, n) =>
        (n % 3 ? said : asked)(`${n}: ${"some words ".repeat(1 + (n % 9))}`, 1000 - n),
      ),
    ),
  hostile: () =>
    talk([
      said("‮<b>bold</b> javascript:alert(1) " + "W".repeat(300), 3),
      asked("مرحبا، أين طلبي؟ order 4821", 2),
      rich("cards", {
        items: [{ title: { a: 1 }, actions: [{ type: "link", text: "x", uri: "javascript:alert(1)" }] }, null],
      }),
    ]),
}
