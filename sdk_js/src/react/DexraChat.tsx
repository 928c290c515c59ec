/** The whole chat: conversations where there are several, and the one on screen. */

import { useState } from "react"
import { Composer } from "./Composer"
import { ConversationList } from "./ConversationList"
import { useUi } from "./context"
import { Header } from "./Header"
import { useClientState, useConversation, useConversations } from "./hooks"
import { MessageList, type MessageListProps } from "./MessageList"
import { Banner, Closed, Stopped } from "./Notices"

export interface DexraChatProps extends Pick<MessageListProps, "renderMessage"> {
  className?: string
  /** Shows a way out in the header. */
  onClose?(): void
}

export function DexraChat({ className, onClose, renderMessage }: DexraChatProps) {
  const { cx, strings, root } = useUi()
  const { livemode, inbox, connection } = useClientState()
  const { conversations, open } = useConversations()
  const { summary, messages } = useConversation()
  const [isListed, setListed] = useState(false)
  const begin = () => {
    open()
    setListed(false)
  }
  // Beside a new one, also one that is closed can be gone back to.
  const hasSeveral = conversations.length > (summary ? 1 : 0)
  const isTest = inbox != null && !livemode
  const isStopped = connection == "stopped"
  const canBegin = !isStopped && summary != null
  return (
    <section
      className={cx(`chat${hasSeveral ? " several" : ""}${isListed && hasSeveral ? " listed" : ""}`, className)}
      aria-label={strings.chat}
      data-dx-drop=""
      {...root}
    >
      {hasSeveral && (
        <div className={cx("side")}>
          <Header title={strings.conversations} subtitle="" isTest={isTest} onNew={begin} onClose={onClose} />
          <ConversationList onOpen={() => setListed(false)} />
        </div>
      )}
      <div className={cx("main")}>
        <Header
          title={summary?.assignee?.name || inbox?.name || strings.chat}
          avatar_url={summary?.assignee?.avatar_url}
          subtitle={usePresence()}
          isTest={isTest}
          onBack={hasSeveral ? () => setListed(true) : undefined}
          onNew={canBegin ? begin : undefined}
          onClose={onClose}
        />
        <Banner />
        {(!isStopped || messages.length > 0) && <MessageList renderMessage={renderMessage} />}
        {isStopped ? (
          <Stopped isBelow={messages.length > 0} />
        ) : summary?.status == "closed" ? (
          <Closed onNew={begin} />
        ) : (
          <Composer />
        )}
      </div>
    </section>
  )
}

function usePresence(): string {
  const { strings } = useUi()
  const { inbox, connection } = useClientState()
  if (!inbox) return connection == "connecting" ? strings.connecting : ""
  // Who is there is not known from here, and that nobody is has been said.
  if (connection == "offline" || connection == "stopped" || !inbox.is_open) return ""
  return inbox.agents_online ? strings.here : strings.away
}
