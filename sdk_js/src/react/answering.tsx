/** What a rich message holds, and answering it. */

import { useState } from "react"
import type { ConversationHandle, Message } from "../types"
import type { DexraError } from "../errors"
import { useUi } from "./context"

export interface RichProps {
  message: Message
  conversation: ConversationHandle
}

export interface Answering {
  isBusy: boolean
  error: string
  answer(values: unknown): void
}

/** Send what was chosen or filled in; once at a time. */
export function useAnswer({ message, conversation }: RichProps): Answering {
  const { say } = useUi()
  const [isBusy, setBusy] = useState(false)
  const [error, setError] = useState("")
  const answer = (values: unknown) => {
    if (isBusy) return
    setBusy(true)
    setError("")
    conversation
      .submit(message.id, values)
      .catch((problem: DexraError) => setError(say(problem)))
      .finally(() => setBusy(false))
  }
  return { isBusy, error, answer }
}

export function Problem({ text }: { text: string }) {
  const { cx } = useUi()
  return text ? (
    <p className={cx("problem")} role="alert" dir="auto">
      {text}
    </p>
  ) : null
}

/** The objects of a list. What is neither words nor a known list is left out: anything may have been sent to the API. */
export function listOf(value: unknown): Record<string, any>[] {
  if (!Array.isArray(value)) return []
  return value
    .filter((each) => each && typeof each == "object")
    .map((each) =>
      Object.fromEntries(
        Object.entries(each).filter(([name, said]) => typeof said != "object" || /^(actions|options)$/.test(name)),
      ),
    )
}
