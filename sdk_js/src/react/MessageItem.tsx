/** One message: who, what, when, and how far it has come. */

import { memo } from "react"
import { useUi, type MessageProps } from "./context"
import { Attachments } from "./Attachments"
import { Avatar } from "./Avatar"
import { Icon } from "./icons"
import { Rich } from "./Rich"
import { RichText } from "./RichText"
import type { Message } from "../types"

/** Drawn again only when the message itself has changed: the client keeps the others as they are. */
export const MessageItem = memo(function MessageItem(props: MessageProps) {
  const { components } = useUi()
  const Part = components.Message ?? PlainMessage
  return <Part {...props} />
})

function PlainMessage(props: MessageProps) {
  const { message, name, isFirst, isLast } = props
  const { cx, strings, format } = useUi()
  const isOwn = message.direction == "inbound"
  return (
    <div
      className={cx(`message${isOwn ? " own" : ""}${isFirst ? " first" : ""}${isLast ? " last" : ""}`)}
      role="article"
      aria-label={`${name}, ${format.time(message.created_at)}`}
    >
      {!isOwn && isLast && <Avatar author={{ ...message.author, name }} />}
      <div className={cx("said")}>
        {!isOwn && isFirst && (
          <span className={cx("name")}>
            <bdi>{name}</bdi>
            {message.author.type == "ai" && <span className={cx("badge")}>{strings.ai}</span>}
          </span>
        )}
        <Bubble {...props} />
        {(isLast || message.status == "failed") && <Meta {...props} />}
      </div>
    </div>
  )
}

function Bubble({ message, conversation }: MessageProps) {
  const { cx, strings } = useUi()
  if (message.deleted_at) {
    return (
      <div className={cx("bubble gone")}>
        <p className={cx("text")}>{strings.deleted}</p>
      </div>
    )
  }
  const { header } = message.content_attributes
  const isBare = !message.text && message.content_type == "text"
  return (
    <div className={cx(isBare ? "bubble bare" : "bubble")}>
      {typeof header == "string" && <strong dir="auto">{header}</strong>}
      {message.text && <RichText text={message.text} />}
      <Rich message={message} conversation={conversation} />
      <Attachments message={message} onCancel={() => conversation.discard(message.id)} />
    </div>
  )
}

function Meta(props: MessageProps) {
  const { message } = props
  const { cx, format, strings } = useUi()
  if (message.status == "failed" && message.direction == "inbound") return <Failed {...props} />
  return (
    <span className={cx("meta")}>
      {message.edited_at && !message.deleted_at && `${strings.edited} · `}
      <time dateTime={message.created_at} title={format.moment(message.created_at)}>
        {format.time(message.created_at)}
      </time>
      {message.direction == "inbound" && <Tick message={message} isSeen={props.isSeen} />}
    </span>
  )
}

function Tick({ message, isSeen }: { message: Message; isSeen: boolean }) {
  const { cx, strings } = useUi()
  const { status } = message
  const state = status == "queued" || status == "sending" ? status : isSeen ? "seen" : "sent"
  return (
    <span className={cx(`tick ${state}`)} role="img" aria-label={strings.status[state]} title={strings.status[state]}>
      <Icon name={state == "seen" || state == "sent" ? state : "clock"} />
    </span>
  )
}

function Failed({ message, conversation }: MessageProps) {
  const { cx, strings, say } = useUi()
  const { failure } = message
  const reason = failure && say(failure)
  return (
    <span className={cx("meta failed")}>
      <span>
        {strings.failed} <bdi>{reason}</bdi>
      </span>
      {failure?.code != "file_lost" && (
        <button type="button" className={cx("plain")} onClick={() => conversation.retry(message.id)}>
          {strings.retry}
        </button>
      )}
      <button type="button" className={cx("plain")} onClick={() => conversation.discard(message.id)}>
        {strings.discard}
      </button>
    </span>
  )
}
