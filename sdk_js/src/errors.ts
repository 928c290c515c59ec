/** What can go wrong, told by a code; the server's sentences are passed on as they are. */

import type { Failure } from "./types"

export interface ErrorDetails {
  /** HTTP status; 0 when the server was never reached. */
  status?: number
  field?: string
  /** Seconds to wait. */
  retryAfter?: number
  requestId?: string
  cause?: unknown
}

const TRANSIENT = /^(network|timeout|bad_answer|identity_unavailable|session_changed)$/

/** Recognise it by `error.name === "DexraError"`: a page may hold two copies of this package. */
export class DexraError extends Error {
  override readonly name = "DexraError"
  readonly status: number
  readonly field?: string
  readonly retryAfter?: number
  readonly requestId?: string
  /** The same request may succeed later. */
  readonly isTransient: boolean

  constructor(
    readonly code: string,
    message: string,
    details: ErrorDetails = {},
  ) {
    super(message)
    this.status = 0
    Object.assign(this, details)
    this.isTransient = TRANSIENT.test(code) || this.status == 408 || this.status == 429 || this.status >= 500
  }
}

/** Any thrown thing as a DexraError. */
export function toDexraError(error: unknown): DexraError {
  return error instanceof Error && error.name == "DexraError"
    ? (error as DexraError)
    : new DexraError("unexpected", String((error as Error)?.message ?? error), { cause: error })
}

/** What somebody has to put right before anything goes on. */
export const STOPPING =
  /^(identity_required|invalid_identity_token|origin_not_allowed|inbox_not_found|session_expired|session_ended)$/

export function failureOf({ code, message }: Failure): Failure {
  return { code, message }
}
