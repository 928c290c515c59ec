/** English: what every language has to say. `{…}` is filled in. */

/** A sentence by the language's plural categories; `other` always. */
export type Plural = { other: string } & Partial<Record<Intl.LDMLPluralRule, string>>

type Words<Of> = {
  [Key in keyof Of]: Of[Key] extends string ? string : Of[Key] extends Plural ? Plural : Words<Of[Key]>
}

export type Strings = Words<typeof en>

export const en = {
  open: "Open chat",
  close: "Close chat",
  chat: "Chat",
  conversations: "Conversations",
  back: "Back to conversations",
  new: "New conversation",
  more: "Show more",
  older: "Show earlier messages",
  messages: "Messages",
  latest: "Go to the latest message",
  newMessages: "New messages",
  loading: "Loading…",
  test: "Test mode",
  unread: { one: "{n} unread message", other: "{n} unread messages" },

  hello: "How can we help?",
  here: "Here now",
  away: "We answer as soon as we can",
  out: "We are out of office and will answer when we are back.",

  write: "Write a message…",
  send: "Send",
  attach: "Attach files",
  remove: "Remove {name}",
  characters: "{n} of {limit} characters",
  tooLarge: "{name} is larger than {size}.",

  you: "You",
  assistant: "Assistant",
  ai: "AI",
  edited: "edited",
  deleted: "This message was deleted",
  failed: "Not sent.",
  retry: "Try again",
  discard: "Delete",
  cancel: "Cancel",
  uploading: "Uploading {name}",
  status: { queued: "Waiting", sending: "Sending", sent: "Sent", seen: "Seen" },

  typing: { one: "{names} is writing…", other: "{names} are writing…" },
  thinking: "Thinking…",
  searching: "Searching…",
  writing: "Writing…",
  handedOff: "A person will take over",

  image: "Image",
  video: "Video",
  audio: "Audio",
  file: "File",
  location: "Location",
  contact: "Contact",

  submit: "Send",
  submitted: "Thank you, sent.",
  email: "Your e-mail address",
  answer: "Your answer",
  rate: "How did we do?",
  rates: { r1: "Very bad", r2: "Bad", r3: "So-so", r4: "Good", r5: "Very good" },
  feedback: "Anything to add?",

  connecting: "Connecting…",
  offline: "No connection. What you write will be sent when it is back.",
  closed: "This conversation is closed.",
  again: "Start a new one",
  errors: {
    network: "No connection.",
    identity_required: "Please sign in to chat.",
    invalid_identity_token: "You could not be signed in to chat.",
    origin_not_allowed: "Chat is not available on this site.",
    inbox_not_found: "Chat is not set up here.",
    user_blocked: "You cannot send messages here.",
    session_expired: "Your session has ended.",
    storage_unavailable: "This browser stores nothing: leave this page and unsent messages are lost.",
    text_too_long: "At most {text_characters} characters in one message.",
    too_many_files: "At most {files} files in one message.",
    too_many_messages: "Too much at once: wait a moment.",
    file_too_large: "The file is too large.",
    file_type_not_allowed: "Files of this kind are not taken.",
    file_empty: "The file is empty.",
    file_lost: "The file is lost.",
    expired: "It waited too long.",
    unknown: "Something went wrong.",
  },
}
