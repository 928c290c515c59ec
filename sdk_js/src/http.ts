/** Requests to `/client/v1`: JSON both ways, every failure a DexraError. */

import { DexraError } from "./errors"
import { backoff, sleep } from "./timing"

const TIMEOUT = 15_000
const TRIES = 3
const LONGEST_WAIT = 5

export interface Http {
  <Answer>(method: string, path: string, token?: string, body?: unknown): Promise<Answer>
  /** The whole address of a path. */
  url(path: string): string
}

/** The answer as JSON; throws what the server says is wrong, or that it was not the server that spoke. */
export function readAnswer(status: number, text: string, header: (name: string) => string | null): any {
  let answer: any = null
  try {
    answer = text && JSON.parse(text)
  } catch {
    // A captive portal or a proxy answers with a page, and says 200.
    if (status < 400) throw new DexraError("bad_answer")
  }
  if (status < 400) return answer
  const { code = "http_" + status, message = code, param, request_id } = answer?.error ?? {}
  throw new DexraError(code, message, {
    status,
    field: param,
    retryAfter: Number(header("Retry-After")) || undefined,
    requestId: request_id,
  })
}

export function createHttp(baseUrl = ""): Http {
  const url = (path: string) => baseUrl.replace(/\/+$/, "") + "/client/v1" + path

  async function once(method: string, path: string, token?: string, body?: unknown): Promise<any> {
    const controller = new AbortController()
    const timer = setTimeout(() => controller.abort(), TIMEOUT)
    try {
      const response = await fetch(url(path), {
        method,
        credentials: "omit",
        signal: controller.signal,
        headers: {
          ...(body ? { "Content-Type": "application/json" } : {}),
          ...(token ? { Authorization: "Bearer " + token } : {}),
        },
        body: body ? JSON.stringify(body) : undefined,
      })
      return readAnswer(response.status, await response.text(), (name) => response.headers.get(name))
    } catch (cause) {
      if ((cause as Error).name == "DexraError") throw cause
      throw new DexraError(controller.signal.aborted ? "timeout" : "network", "No connection", { cause })
    } finally {
      clearTimeout(timer)
    }
  }

  async function http(method: string, path: string, token?: string, body?: unknown): Promise<any> {
    // Only reading is repeated here: whoever writes knows whether saying it twice does harm.
    for (let failures = 1; ; failures++) {
      try {
        return await once(method, path, token, body)
      } catch (error) {
        const { isTransient, retryAfter = 0 } = error as DexraError
        if (method != "GET" || !isTransient || failures == TRIES || retryAfter > LONGEST_WAIT) throw error
        await sleep(retryAfter * 1000 || backoff(failures))
      }
    }
  }
  return Object.assign(http, { url })
}
