/** Fields that an agent or a bot asked for, and what was filled in. */

import { useId, useState, type FormEvent } from "react"
import { listOf, Problem, useAnswer, type RichProps } from "./answering"
import { useUi } from "./context"

export interface Field {
  name: string
  /** text, text_area, email, select, checkbox … */
  type: string
  label?: string
  placeholder?: string
  default?: string
  options?: readonly { label: string; value: string }[]
  required?: boolean
  pattern?: string
  title?: string
}

export interface FormProps extends RichProps {
  fields: readonly Field[]
  label?: string
}

type Value = string | boolean

const INPUT_TYPES = ["email", "number", "tel", "url", "date", "checkbox"]

export function Form({ fields, label, ...rich }: FormProps) {
  const { cx, strings } = useUi()
  const { isBusy, error, answer } = useAnswer(rich)
  const [values, setValues] = useState<Record<string, Value>>({})
  const done = rich.message.content_attributes.submitted_values
  if (done) return <Answers fields={fields} values={listOf([done].flat())} />
  const valueOf = ({ name, type, default: initial }: Field) =>
    values[name] ?? initial ?? (type == "checkbox" ? false : "")
  const submit = (event: FormEvent) => {
    event.preventDefault()
    answer(fields.map((field) => ({ name: field.name, title: field.label ?? field.name, value: valueOf(field) })))
  }
  return (
    <form className={cx("form")} onSubmit={submit}>
      {fields.map((field, index) => (
        <FieldInput
          key={index}
          field={field}
          value={valueOf(field)}
          onChange={(value) => setValues({ ...values, [field.name]: value })}
        />
      ))}
      <Problem text={error} />
      <button className={cx("button")} disabled={isBusy}>
        {label || strings.submit}
      </button>
    </form>
  )
}

function Answers({ fields, values }: { fields: readonly Field[]; values: Record<string, any>[] }) {
  const { cx, strings } = useUi()
  return (
    <div className={cx("answers")}>
      <dl>
        {values.map((each, index) => (
          <div key={index}>
            <dt>{fields.find(({ name }) => name == each?.name)?.label ?? each?.title}</dt>
            <dd dir="auto">{each?.value === true ? "✓" : String(each?.value || "–")}</dd>
          </div>
        ))}
      </dl>
      <small>{strings.submitted}</small>
    </div>
  )
}

interface FieldInputProps {
  field: Field
  value: Value
  onChange(value: Value): void
}

function FieldInput({ field, value, onChange }: FieldInputProps) {
  const { cx } = useUi()
  const id = useId()
  const { type, required, placeholder, pattern, title } = field
  const given = {
    id,
    required,
    placeholder,
    title,
    className: cx("input"),
    dir: value ? "auto" : undefined,
    value: String(value),
  }
  const isCheckbox = type == "checkbox"
  const control =
    type == "select" ? (
      <select {...given} onChange={(event) => onChange(event.currentTarget.value)}>
        <option value="">{placeholder}</option>
        {listOf(field.options).map((option, index) => (
          <option key={index} value={option.value}>
            {option.label}
          </option>
        ))}
      </select>
    ) : type == "text_area" ? (
      <textarea {...given} rows={3} onChange={(event) => onChange(event.currentTarget.value)} />
    ) : (
      <input
        {...given}
        {...(isCheckbox ? { checked: value === true, value: undefined, className: undefined } : { pattern })}
        type={INPUT_TYPES.includes(type) ? type : "text"}
        autoComplete={type == "email" || type == "tel" ? type : undefined}
        onChange={({ currentTarget }) => onChange(isCheckbox ? currentTarget.checked : currentTarget.value)}
      />
    )
  return (
    <div className={cx(isCheckbox ? "field check" : "field")}>
      <label htmlFor={id} dir="auto">
        {field.label || field.name}
      </label>
      {control}
    </div>
  )
}
