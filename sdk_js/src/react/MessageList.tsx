/** What was said: a log that follows its end, loads what is older, and tells a screen reader what is new. */

import { Fragment, memo, useCallback, useEffect, useMemo, useRef, useState, type ReactNode } from "react"
import type { ConversationHandle, Message } from "../types"
import { Problem } from "./answering"
import { useUi } from "./context"
import { Empty } from "./Empty"
import { quietly, useClientState, useConversation, useNameOf, type Conversation } from "./hooks"
import { Icon } from "./icons"
import { Live } from "./Live"
import { MessageItem } from "./MessageItem"
import { greetedFirst, rowsOf, type Row } from "./rows"
import { useScrolling } from "./scrolling"

/** As many are drawn at first, and as many more each time the start is reached. */
const STEP = 30

export interface MessageListProps {
  /** Left out: the conversation on screen. */
  conversationId?: string
  className?: string
  renderMessage?(message: Message, ours: ReactNode): ReactNode
}

export function MessageList({ conversationId, className, renderMessage }: MessageListProps) {
  const { cx, strings, root } = useUi()
  const conversation = useConversation(conversationId)
  const { messages, isLoading, hasOlder, handle } = conversation
  const [limit, setLimit] = useState(STEP)
  const hasMore = hasOlder || messages.length > limit
  const older = useCallback(() => {
    if (messages.length > limit) setLimit(limit + STEP)
    else if (hasOlder && !isLoading) quietly(handle.loadOlder().then(() => setLimit((now) => now + STEP)))
  }, [messages.length, limit, hasOlder, isLoading, handle])
  const greeting = useClientState().inbox?.greeting
  const unseenSince = useUnseenSince(conversation)
  const all = useMemo(
    () => rowsOf(greetedFirst(messages, greeting), conversation.summary, unseenSince),
    [messages, greeting, conversation.summary, unseenSince],
  )
  const rows = all.slice(-limit)
  const nameOf = useNameOf()
  const { isAtEnd, toEnd, onScroll, scroller } = useScrolling(
    `${rows[0]?.message.id} ${rows.length} ${conversation.ai.text.length}`,
    older,
  )
  useEffect(() => {
    setLimit(STEP)
    toEnd()
  }, [handle, toEnd])
  useSeen(conversation, isAtEnd)
  useFollowOwn(messages, toEnd)
  return (
    <div className={cx("messages", className)} {...root}>
      {/* Firefox would stop at what scrolls, and once more at the log in it. */}
      <div className={cx("scroll")} ref={scroller} onScroll={onScroll} tabIndex={-1}>
        {hasMore && (
          <button type="button" className={cx("plain more")} onClick={older} disabled={isLoading}>
            {isLoading ? strings.loading : strings.older}
          </button>
        )}
        <div
          className={cx("log")}
          role="log"
          aria-live={useIsNews(rows) ? "polite" : "off"}
          aria-relevant="additions"
          aria-label={strings.messages}
          aria-busy={isLoading}
          tabIndex={0}
        >
          {!messages.length && <Nothing conversation={conversation} />}
          {rows.map((row) => (
            <RowItem
              key={keyOf(row.message)}
              row={row}
              name={nameOf(row.message.author)}
              conversation={handle}
              render={renderMessage}
            />
          ))}
        </div>
        <Live conversation={conversation} />
      </div>
      {!isAtEnd && (
        <button type="button" className={cx("jump")} onClick={toEnd} aria-label={strings.latest}>
          <Icon name="down" />
        </button>
      )}
    </div>
  )
}

/** Not yet, not to be had, or nothing at all. */
function Nothing({ conversation: { isLoading, error, load } }: { conversation: Conversation }) {
  const { cx, strings, say } = useUi()
  if (isLoading) return <p className={cx("note")}>{strings.loading}</p>
  if (!error) return <Empty />
  return (
    <div className={cx("empty")}>
      <Problem text={say(error)} />
      <button type="button" className={cx("choice")} onClick={() => quietly(load())}>
        {strings.retry}
      </button>
    </div>
  )
}

/** The same before and after the server has it, so that nothing is drawn anew. */
function keyOf(message: Message): string {
  return message.client_message_id ?? message.id
}

interface RowItemProps {
  row: Row
  name: string
  conversation: ConversationHandle
  render: MessageListProps["renderMessage"]
}

const RowItem = memo(function RowItem({ row, name, conversation, render }: RowItemProps) {
  const { cx, strings, format } = useUi()
  const { message, day, isNew, isFirst, isLast, isSeen } = row
  const ours = <MessageItem {...{ message, name, conversation, isFirst, isLast, isSeen }} />
  return (
    <Fragment>
      {day && (
        <p className={cx("day")}>
          <time dateTime={day}>{format.day(day)}</time>
        </p>
      )}
      {isNew && <p className={cx("new")}>{strings.newMessages}</p>}
      <div className={cx("row")} data-dx-id={message.id}>
        {render ? render(message, ours) : ours}
      </div>
    </Fragment>
  )
})

/** Until when this person had seen everything as they opened the conversation; null when nothing was new. */
function useUnseenSince({ handle, summary, messages }: Conversation): string | null {
  const hasBegun = messages.length > 0
  const kept = useRef<{ handle: unknown; since: string | null } | null>(null)
  if (kept.current?.handle != handle) kept.current = null
  // What was begun here is seen as it comes.
  if (!kept.current && (summary || hasBegun)) {
    kept.current = { handle, since: summary?.unread_count ? (summary.seen_at ?? "") : null }
  }
  return kept.current?.since ?? null
}

/** What is on screen in front of somebody has been seen. */
function useSeen({ handle, summary }: Conversation, isAtEnd: boolean): void {
  const unread = summary?.unread_count ?? 0
  useEffect(() => {
    const tell = () => {
      if (unread && isAtEnd && document.visibilityState != "hidden") quietly(handle.markRead())
    }
    tell()
    document.addEventListener("visibilitychange", tell)
    return () => document.removeEventListener("visibilitychange", tell)
  }, [handle, unread, isAtEnd])
}

/** Whoever writes wants to see it, wherever they were reading. */
function useFollowOwn(messages: readonly Message[], toEnd: () => void): void {
  const last = messages[messages.length - 1]
  const id = last?.status == "queued" || last?.status == "sending" ? last.client_message_id : null
  useEffect(() => {
    if (id) toEnd()
  }, [id, toEnd])
}

/** Whether what is drawn now was said now; older messages are not read out. */
function useIsNews(rows: Row[]): boolean {
  const before = useRef<{ first?: string; last?: string }>({})
  const now = { first: rows[0]?.message.id, last: rows[rows.length - 1]?.message.id }
  const isNews = before.current.last != null && (before.current.first == now.first || before.current.last != now.last)
  useEffect(() => {
    before.current = now
  })
  return isNews
}
