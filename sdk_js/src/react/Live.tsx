/** What is happening right now: who writes, what the assistant does and says so far. */

import { useUi } from "./context"
import { useNameOf, type Conversation } from "./hooks"
import { RichText } from "./RichText"

const SENTENCES = /^[\s\S]*[.!?…。؟](?=\s|$)/

export function Live({ conversation }: { conversation: Conversation }) {
  const { cx, strings, format } = useUi()
  const nameOf = useNameOf()
  const { typing, ai } = conversation
  const doing = ai.state == "handed_off" ? strings.handedOff : ai.state == "idle" ? "" : strings[ai.state]
  const writers = typing.map(nameOf)
  const writing = writers.length ? format.plural(strings.typing, writers.length, { names: writers.join(", ") }) : ""
  const isBusy = !!doing && ai.state != "handed_off"
  return (
    <div className={cx("live")}>
      {isBusy && ai.text && (
        <div className={cx("message first last")}>
          <div className={cx("said")}>
            <div className={cx("bubble streaming")}>
              <RichText text={ai.text} />
            </div>
          </div>
        </div>
      )}
      {(doing || writing) && (
        <p className={cx(isBusy || writing ? "note doing" : "note")} aria-hidden="true">
          <bdi>{doing || writing}</bdi>
        </p>
      )}
      <div className={cx("sr")} role="status">
        {/* Whole sentences only: half a word read out again and again is noise. */}
        {SENTENCES.exec(isBusy ? ai.text : "")?.[0] || doing || writing}
      </div>
    </div>
  )
}
