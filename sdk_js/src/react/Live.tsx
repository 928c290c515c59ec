/** What is happening right now: who writes, what the assistant does and says so far. */

import { useUi } from "./context"
import { useNameOf, type Conversation } from "./hooks"
import { RichText } from "./RichText"

/** A full stop ends a sentence once something comes after it: until then it may be the one of 3.5. */
const SENTENCE = /[^]+?[.!?…。؟]+(?=\s)/g

export function Live({ conversation }: { conversation: Conversation }) {
  const { cx, strings, format } = useUi()
  const nameOf = useNameOf()
  const { typing, ai } = conversation
  const doing = ai.state == "handed_off" ? strings.handedOff : ai.state == "idle" ? "" : strings[ai.state]
  const writers = typing.map(nameOf)
  const writing = writers.length ? format.plural(strings.typing, writers.length, { names: writers.join(", ") }) : ""
  const isBusy = !!doing && ai.state != "handed_off"
  // Whoever takes over is there once they write.
  const note = isBusy ? doing : writing || doing
  const sentences = isBusy && ai.text.match(SENTENCE)
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
      {note && (
        <p className={cx(isBusy || writing ? "note doing" : "note")} aria-hidden="true">
          <bdi>{note}</bdi>
        </p>
      )}
      {/* Whole sentences, each once: half a word read out again and again is noise. */}
      <div className={cx("sr")} role="status" aria-atomic="false">
        {sentences ? sentences.map((each, index) => <p key={index}>{each}</p>) : note}
      </div>
    </div>
  )
}
