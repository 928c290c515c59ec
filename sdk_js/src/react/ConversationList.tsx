/** All conversations of this person, the latest first. */

import type { ReactNode } from "react"
import type { ConversationSummary } from "../types"
import { Avatar } from "./Avatar"
import { useUi } from "./context"
import { quietly, useClientState, useConversations, useNameOf } from "./hooks"

export interface ConversationListProps {
  className?: string
  /** Told of the one that was chosen; it is on screen by then. */
  onOpen?(id: string): void
  renderConversation?(conversation: ConversationSummary, ours: ReactNode): ReactNode
}

export function ConversationList({ className, onOpen, renderConversation }: ConversationListProps) {
  const { cx, strings, root, shown } = useUi()
  const { conversations, hasMore, loadMore, open } = useConversations()
  const shownId = shown.state.get().summary?.id
  return (
    <nav className={cx("conversations", className)} aria-label={strings.conversations} {...root}>
      <ul>
        {conversations.map((each) => {
          const ours = <Entry conversation={each} />
          return (
            <li key={each.id}>
              <button
                type="button"
                className={cx("entry")}
                aria-current={each.id == shownId}
                onClick={() => {
                  open(each.id)
                  onOpen?.(each.id)
                }}
              >
                {renderConversation ? renderConversation(each, ours) : ours}
              </button>
            </li>
          )
        })}
      </ul>
      {hasMore && (
        <button type="button" className={cx("plain more")} onClick={() => quietly(loadMore())}>
          {strings.more}
        </button>
      )}
    </nav>
  )
}

function Entry({ conversation }: { conversation: ConversationSummary }) {
  const { cx, strings, format } = useUi()
  const { inbox } = useClientState()
  const nameOf = useNameOf()
  const { last_message: last, assignee, unread_count: unread, subject } = conversation
  const name = subject || assignee?.name || inbox?.name || strings.chat
  return (
    <>
      <Avatar author={{ name, avatar_url: assignee?.avatar_url ?? "" }} />
      <span className={cx("entry-text")}>
        <bdi className={cx("name")}>{name}</bdi>
        {last && (
          <span className={cx("excerpt")}>
            {last.author.type == "user" && <span>{nameOf(last.author)}:</span>}
            <span dir="auto">{last.text || strings.file}</span>
          </span>
        )}
      </span>
      <span className={cx("entry-side")}>
        {last && <time dateTime={last.created_at}>{format.when(last.created_at)}</time>}
        {unread > 0 && (
          <span className={cx("count-badge")}>
            <span aria-hidden="true">{format.number(unread)}</span>
            <span className={cx("sr")}>{format.plural(strings.unread, unread)}</span>
          </span>
        )}
      </span>
    </>
  )
}
