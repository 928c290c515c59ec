/** What can go wrong, told by a code; the server's sentences are passed on as they are. */

import type { Failure } from "./types"

export interface ErrorDetails {
  /** HTTP status; 0 when the server was never reached, and what it would have said when it was not asked. */
  status?: number
  field?: string
  /** Seconds to wait. */
  retryAfter?: number
  requestId?: string
  cause?: unknown
}

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
    message = code,
    details: ErrorDetails = {},
  ) {
    super(message)
    this.status = 0
    Object.assign(this, details)
    this.isTransient = !this.status || this.status == 408 || this.status == 429 || this.status >= 500
  }
}

/** Any thrown thing as a DexraError. */
export function toDexraError(error: unknown): DexraError {
  return error instanceof Error && error.name == "DexraError"
    ? (error as DexraError)
    : new DexraError("unexpected", String((error as Error)?.message ?? error), { status: 400, cause: error })
}

/** Somebody has to put something right before anything goes on. */
export function isStopping({ status, code }: DexraError): boolean {
  return status == 401 || code == "origin_not_allowed" || code == "inbox_not_found"
}

export function failureOf({ code, message }: Failure): Failure {
  return { code, message }
}
