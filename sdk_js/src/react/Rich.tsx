/** Messages that are more than text: choices, cards, articles, forms and surveys. */

import type { Message } from "../types"
import { listOf, Problem, useAnswer, type RichProps } from "./answering"
import { useUi } from "./context"
import { Form, type Field } from "./Form"
import { safeHref, safeSource } from "./links"
import { Link } from "./RichText"
import { Survey } from "./Survey"

export function Rich(props: RichProps) {
  const { strings } = useUi()
  const { content_type: type, content_attributes: attributes } = props.message
  const field = (kind: string, label: string): Field[] => [{ name: kind, type: kind, label, required: true }]
  if (type == "input_select") return <Choices {...props} />
  if (type == "cards") return <Cards {...props} />
  if (type == "article") return <Articles items={itemsOf(props.message)} />
  if (type == "form")
    return <Form {...props} fields={itemsOf(props.message) as Field[]} label={attributes.button_label} />
  if (type == "input_csat") return <Survey {...props} />
  if (type == "input_email") return <Form {...props} fields={field("email", strings.email)} />
  if (type == "input_text") return <Form {...props} fields={field("text", strings.answer)} />
  if (type == "input_textarea") return <Form {...props} fields={field("text_area", strings.answer)} />
  return null
}

function itemsOf(message: Message): Record<string, any>[] {
  return listOf(message.content_attributes.items)
}

function Choices(props: RichProps) {
  const { cx } = useUi()
  const { isBusy, error, answer } = useAnswer(props)
  const { footer, submitted_values } = props.message.content_attributes
  const chosen = [submitted_values].flat()[0]
  return (
    <div className={cx("choices")} dir="auto">
      {itemsOf(props.message).map(({ title, value, url }, index) => {
        const isChosen = chosen != null && chosen.value === value
        return url ? (
          <LinkButton key={index} href={url} text={title} />
        ) : (
          <button
            key={index}
            type="button"
            className={cx("choice")}
            aria-pressed={isChosen}
            disabled={isBusy || chosen != null}
            onClick={() => answer([{ title, value }])}
          >
            {title}
          </button>
        )
      })}
      {footer && <small>{String(footer)}</small>}
      <Problem text={error} />
    </div>
  )
}

function Cards(props: RichProps) {
  const { cx } = useUi()
  const { isBusy, error, answer } = useAnswer(props)
  return (
    <div className={cx("cards")}>
      {itemsOf(props.message).map((card, index) => (
        <div key={index} className={cx("card")} dir="auto">
          {safeSource(card.media_url) && <img src={card.media_url} alt="" loading="lazy" />}
          <strong>{card.title}</strong>
          {card.description && <p>{card.description}</p>}
          {listOf(card.actions).map(({ type, text, uri, payload }, nth) =>
            type == "link" ? (
              <LinkButton key={nth} href={uri} text={text} />
            ) : (
              <button
                key={nth}
                type="button"
                className={cx("choice")}
                disabled={isBusy}
                onClick={() => answer([{ title: text, value: payload }])}
              >
                {text}
              </button>
            ),
          )}
        </div>
      ))}
      <Problem text={error} />
    </div>
  )
}

/** Nothing where it leads to what may not be opened. */
function LinkButton({ href, text }: { href: string; text: string }) {
  const { cx } = useUi()
  return safeHref(href) ? (
    <Link className={cx("choice")} href={href}>
      {text}
    </Link>
  ) : null
}

function Articles({ items }: { items: Record<string, any>[] }) {
  const { cx } = useUi()
  return (
    <ul className={cx("articles")}>
      {items.map(({ title, description, link }, index) => {
        const words = (
          <>
            <strong>{title}</strong>
            {description && <small>{description}</small>}
          </>
        )
        return (
          <li key={index} dir="auto">
            {safeHref(link) ? <Link href={link}>{words}</Link> : words}
          </li>
        )
      })}
    </ul>
  )
}
