/** What is being written in one conversation, and what becomes of it. */

import { useReducer, useState } from "react"
import type { DexraError } from "../errors"
import type { InboxInfo } from "../types"
import { useUi } from "./context"
import { keepWriting, NOTHING, writingOf, type Writing } from "./drafts"
import { useClientState, type Conversation } from "./hooks"

export interface Composing extends Writing {
  problem: string
  /** Why nothing can be written now; empty when it can. */
  reason: string
  limits: InboxInfo["limits"] | undefined
  canSend: boolean
  change(text: string): void
  attach(files: Iterable<File>): void
  remove(file: File): void
  send(): void
}

export function useWriting({ handle, summary }: Conversation): Composing {
  const { strings, format, say } = useUi()
  const { inbox, connection, error } = useClientState()
  const [, redraw] = useReducer((n: number) => n + 1, 0)
  const [problem, setProblem] = useState("")
  const limits = inbox?.limits
  const writing = writingOf(handle)
  const keep = (change: Partial<Writing>) => {
    keepWriting(handle, { ...writingOf(handle), ...change })
    redraw()
  }
  const isStopped = connection == "stopped" || error?.code == "user_blocked"
  const reason = isStopped ? say(error) : summary?.status == "closed" ? strings.closed : ""
  const isTooLong = limits != null && writing.text.length > limits.text_characters
  const canSend = !reason && !isTooLong && (writing.text.trim() != "" || writing.files.length > 0)

  const attach = (files: Iterable<File>) => {
    let refused = ""
    const taken = [...files].filter((file) => {
      const isTooLarge = limits && file.size > limits.file_bytes
      if (isTooLarge) refused = format.fill(strings.tooLarge, { name: file.name, size: format.size(limits.file_bytes) })
      return !isTooLarge
    })
    const all = [...writingOf(handle).files, ...taken]
    if (limits && all.length > limits.files) refused = say({ code: "too_many_files", message: "" })
    setProblem(refused)
    keep({ files: limits ? all.slice(0, limits.files) : all })
  }
  const send = () => {
    if (!canSend) return
    try {
      handle.send({ text: writing.text.trim(), files: writing.files })
    } catch (error) {
      return setProblem(say(error as DexraError))
    }
    handle.typing(false)
    setProblem("")
    keep(NOTHING)
  }
  return {
    ...writing,
    problem,
    reason,
    limits,
    canSend,
    attach,
    send,
    change: (text) => {
      handle.typing(text.trim() != "")
      keep({ text })
    },
    remove: (file) => keep({ files: writing.files.filter((each) => each != file) }),
  }
}
