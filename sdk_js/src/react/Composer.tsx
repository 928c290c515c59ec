/** Where a message is written: Enter sends, Shift and Enter break the line; files by button, paste or drop. */

import {
  useEffect,
  useId,
  useRef,
  type ClipboardEvent,
  type FormEvent,
  type KeyboardEvent,
  type RefObject,
} from "react"
import { useUi } from "./context"
import { useConversation } from "./hooks"
import { Icon } from "./icons"
import { useDrop } from "./dropping"
import { useWriting, type Composing } from "./writing"

export interface ComposerProps {
  /** Left out: the conversation on screen. */
  conversationId?: string
  placeholder?: string
  className?: string
}

export function Composer({ conversationId, placeholder, className }: ComposerProps) {
  const { cx, strings, root } = useUi()
  const conversation = useConversation(conversationId)
  const writing = useWriting(conversation)
  const { reason, problem, text, canSend } = writing
  const form = useRef<HTMLFormElement>(null)
  const field = useRef<HTMLTextAreaElement>(null)
  const noteId = useId()
  useDrop(form, writing.attach, !reason)
  useGrowing(field, text)
  const submit = (event: FormEvent) => {
    event.preventDefault()
    writing.send()
    field.current?.focus()
  }
  const onKeyDown = (event: KeyboardEvent) => {
    // 229: a key that an input method still works on, where isComposing is not told.
    if (event.key != "Enter" || event.shiftKey || event.nativeEvent.isComposing || event.keyCode == 229) return
    event.preventDefault()
    writing.send()
  }
  const onPaste = (event: ClipboardEvent) => {
    const { files, types } = event.clipboardData
    // Cells of a spreadsheet and words of a document come with a picture of themselves: then the words are meant.
    if (!files.length || ["text/plain", "text/html"].every((type) => types.includes(type))) return
    event.preventDefault()
    writing.attach(files)
  }
  return (
    <form className={cx("composer", className)} onSubmit={submit} ref={form} {...root}>
      <Files writing={writing} />
      <div className={cx("box")}>
        <AttachButton writing={writing} />
        <textarea
          ref={field}
          className={cx("write")}
          rows={1}
          dir={text ? "auto" : undefined}
          aria-label={strings.write}
          aria-describedby={noteId}
          placeholder={placeholder ?? strings.write}
          value={text}
          disabled={!!reason}
          onChange={(event) => writing.change(event.currentTarget.value)}
          onBlur={() => conversation.setTyping(false)}
          onKeyDown={onKeyDown}
          onPaste={onPaste}
        />
        <button className={cx("send")} disabled={!canSend} aria-label={strings.send}>
          <Icon name="send" />
        </button>
      </div>
      <div id={noteId} className={cx("notes")} dir="auto" role={problem ? "alert" : undefined}>
        {problem || reason || <Count writing={writing} />}
      </div>
    </form>
  )
}

function AttachButton({ writing }: { writing: Composing }) {
  const { cx, strings } = useUi()
  const input = useRef<HTMLInputElement>(null)
  return (
    <>
      <input
        ref={input}
        type="file"
        multiple
        hidden
        onChange={({ currentTarget }) => {
          writing.attach(currentTarget.files ?? [])
          currentTarget.value = ""
        }}
      />
      <button
        type="button"
        className={cx("icon-button")}
        aria-label={strings.attach}
        disabled={!!writing.reason}
        onClick={() => input.current?.click()}
      >
        <Icon name="clip" />
      </button>
    </>
  )
}

function Files({ writing }: { writing: Composing }) {
  const { cx, strings, format } = useUi()
  if (!writing.files.length) return null
  return (
    <ul className={cx("files")}>
      {writing.files.map((file, index) => (
        <li key={index}>
          <bdi>{file.name}</bdi>
          <small>{format.size(file.size)}</small>
          <button
            type="button"
            className={cx("icon-button")}
            aria-label={format.fill(strings.remove, { name: file.name })}
            onClick={() => writing.remove(file)}
          >
            <Icon name="close" />
          </button>
        </li>
      ))}
    </ul>
  )
}

/** Near the limit, how near. */
function Count({ writing: { text, limits } }: { writing: Composing }) {
  const { cx, strings, format } = useUi()
  const limit = limits?.text_characters
  if (!limit || text.length < limit * 0.9) return null
  return (
    <span className={cx(text.length > limit ? "over" : "count")}>
      {format.fill(strings.characters, { n: text.length, limit })}
    </span>
  )
}

/** As high as what is written in it; the style says from when on it scrolls. */
function useGrowing(field: RefObject<HTMLTextAreaElement | null>, text: string): void {
  useEffect(() => {
    const { current } = field
    if (!current) return
    current.style.height = "auto"
    current.style.height = `${current.scrollHeight}px`
  }, [field, text])
}
