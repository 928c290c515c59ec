/** How was it? One of five faces, and words if there are any. */

import { useId, useState, type FormEvent } from "react"
import { Problem, useAnswer, type RichProps } from "./answering"
import { useUi } from "./context"
import { Face } from "./icons"

export function Survey(props: RichProps) {
  const { cx, strings } = useUi()
  const { isBusy, error, answer } = useAnswer(props)
  const [rating, setRating] = useState(0)
  const [words, setWords] = useState("")
  const name = useId()
  const given = props.message.content_attributes.submitted_values?.csat_survey_response
  const rates = Object.values(strings.rates)
  if (given?.rating) {
    return (
      <p className={cx("rated")}>
        <Face mood={given.rating - 1} /> {rates[given.rating - 1]}
        <small>{strings.submitted}</small>
      </p>
    )
  }
  const submit = (event: FormEvent) => {
    event.preventDefault()
    answer({ csat_survey_response: { rating, feedback_message: words } })
  }
  return (
    <form className={cx("form")} onSubmit={submit}>
      <fieldset className={cx("faces")}>
        <legend className={cx("sr")}>{strings.rate}</legend>
        {rates.map((rate, index) => (
          <label key={rate} title={rate} className={cx("face")}>
            <input
              type="radio"
              name={name}
              required
              aria-label={rate}
              checked={rating == index + 1}
              onChange={() => setRating(index + 1)}
            />
            <Face mood={index} />
          </label>
        ))}
      </fieldset>
      {rating > 0 && (
        <>
          <textarea
            className={cx("input")}
            dir={words ? "auto" : undefined}
            rows={2}
            maxLength={5000}
            aria-label={strings.feedback}
            placeholder={strings.feedback}
            value={words}
            onChange={(event) => setWords(event.currentTarget.value)}
          />
          <button className={cx("button")} disabled={isBusy}>
            {strings.submit}
          </button>
        </>
      )}
      <Problem text={error} />
    </form>
  )
}
