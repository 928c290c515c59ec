/** What hangs on a message: pictures, films, sounds, files, places and people. */

import type { Attachment, Message } from "../types"
import { useUi } from "./context"
import { Icon, type IconName } from "./icons"
import { safeHref, safeSource } from "./links"
import { Link } from "./RichText"

export interface AttachmentsProps {
  message: Message
  onCancel(): void
}

export function Attachments({ message, onCancel }: AttachmentsProps) {
  const { cx } = useUi()
  if (!message.attachments.length) return null
  const isOnItsWay = message.status == "sending" || message.status == "queued"
  return (
    <div className={cx("attachments")}>
      {message.attachments.map((file) => (
        <div key={file.id} className={cx("attachment")}>
          <Shown file={file} />
          {isOnItsWay && file.progress != null && file.progress < 1 && <Upload file={file} onCancel={onCancel} />}
        </div>
      ))}
    </div>
  )
}

function Shown({ file }: { file: Attachment }) {
  const { cx, strings } = useUi()
  const source = safeSource(file.url)
  const name = file.filename || strings[file.type]
  if (file.type == "location") return <Place file={file} />
  if (file.type == "contact") return <Person file={file} />
  if (!source || file.type == "file") return <Download file={file} source={source} name={name} />
  if (file.type == "video" || file.type == "audio") {
    const Player = file.type
    return <Player className={cx("media")} src={source} controls preload="metadata" aria-label={name} />
  }
  const { width, height } = file.details
  return (
    <Link href={source} className={cx("picture")}>
      <img src={source} alt={name} width={pixels(width)} height={pixels(height)} loading="lazy" decoding="async" />
    </Link>
  )
}

function pixels(value: unknown): number | undefined {
  return typeof value == "number" && value > 0 ? value : undefined
}

function Download({ file, source, name }: { file: Attachment; source?: string; name: string }) {
  const { format } = useUi()
  const row = <Row icon="file" title={name} note={file.size ? format.size(file.size) : ""} />
  return source ? (
    <Link href={source} download={name}>
      {row}
    </Link>
  ) : (
    row
  )
}

function Row({ icon, title, note }: { icon: IconName; title: string; note?: string }) {
  const { cx } = useUi()
  return (
    <span className={cx("file")}>
      <Icon name={icon} className={cx("icon")} />
      <span>
        <bdi>{title}</bdi>
        {note && <small dir="auto">{note}</small>}
      </span>
    </span>
  )
}

function Place({ file }: { file: Attachment }) {
  const { strings } = useUi()
  const { latitude, longitude, name, address } = file.details
  const row = <Row icon="pin" title={String(name || file.filename || strings.location)} note={String(address || "")} />
  if (!Number.isFinite(latitude) || !Number.isFinite(longitude)) return row
  return (
    <Link href={`https://www.openstreetmap.org/?mlat=${latitude}&mlon=${longitude}#map=16/${latitude}/${longitude}`}>
      {row}
    </Link>
  )
}

function Person({ file }: { file: Attachment }) {
  const { cx, strings } = useUi()
  const { name, phone_numbers, emails } = file.details
  const ways = [
    ...asList(phone_numbers).map((each) => ["tel:", each]),
    ...asList(emails).map((each) => ["mailto:", each]),
  ]
  return (
    <div className={cx("person")}>
      <Row icon="person" title={String(name || file.filename || strings.contact)} />
      {ways.map(([scheme, each]) => (
        <Link key={each} href={safeHref(scheme + each!)!}>
          <bdi>{each}</bdi>
        </Link>
      ))}
    </div>
  )
}

function asList(value: unknown): string[] {
  return Array.isArray(value) ? value.map(String) : []
}

function Upload({ file, onCancel }: { file: Attachment; onCancel(): void }) {
  const { cx, strings, format } = useUi()
  return (
    <div className={cx("upload")}>
      <progress value={file.progress} aria-label={format.fill(strings.uploading, { name: file.filename })} />
      <button type="button" className={cx("plain")} onClick={onCancel}>
        {strings.cancel}
      </button>
    </div>
  )
}
