/** What must compile with React 18 and with React 19, and what must not; `tsc` runs it with the types of both. */

import { createDexra } from ".."
import { DexraChat, DexraProvider, Launcher, MessageList, useConversation, useUnread, type MessageProps } from "."

const client = createDexra({ inbox: "inbox1" })

function Mine({ message, isSeen }: MessageProps) {
  return (
    <p title={message.created_at}>
      {message.text} {isSeen && "✓"}
    </p>
  )
}

export function Support() {
  return (
    <DexraProvider client={client} locale="ar" strings={{ send: "Go" }} theme="dark" components={{ Message: Mine }}>
      <Launcher position="start" onOpenChange={(isOpen: boolean) => void isOpen}>
        <DexraChat renderMessage={(_message, ours) => <b>{ours}</b>} onClose={() => undefined} />
      </Launcher>
    </DexraProvider>
  )
}

export function Unread() {
  const { messages, send } = useConversation()
  const count: number = useUnread()
  // @ts-expect-error  what was said is not for a page to change
  messages.push(send({ text: "Hello" }))
  // @ts-expect-error  a draft has no such field
  send({ words: "Hello" })
  return <i>{count}</i>
}

export const wrong = [
  // @ts-expect-error  a client, or options to make one of
  <DexraProvider key="1" />,
  // @ts-expect-error  not both
  <DexraProvider key="2" client={client} options={{ inbox: "inbox1" }} />,
  // @ts-expect-error  a corner is start or end, whichever way the language runs
  <Launcher key="3" position="left" />,
  // @ts-expect-error  there is no such word
  <DexraProvider key="4" client={client} strings={{ sendd: "Go" }} />,
  // @ts-expect-error  a list shows a conversation by its id
  <MessageList key="5" conversationId={42} />,
]
