/** Your server calls `/v1`: typed from the API's own description, said once however often it has to be tried. */

import { randomUUID } from "node:crypto"
import { DexraError } from "../errors"
import type { paths } from "./protocol"

export interface ServerOptions {
  /** A secret key, `dx_sk_…`; it alone chooses live or sandbox. */
  apiKey: string
  baseUrl?: string
  /** How often a call is tried that may succeed later. */
  tries?: number
  /** Seconds for one try. */
  timeout?: number
  fetch?: typeof fetch
}

type Method = "get" | "post" | "put" | "patch" | "delete"
/** The paths that take this method. */
type PathOf<M extends Method> = { [P in keyof paths]: paths[P] extends Record<M, object> ? P : never }[keyof paths]
type Operation<M extends Method, P extends keyof paths> = paths[P][M & keyof paths[P]]
type Part<O, Name extends string> = O extends { parameters: Record<Name, infer Found> } ? Found : never
type Json<O> = O extends { content: { "application/json": infer Found } } ? Found : never
type Body<O> = O extends { requestBody?: infer Found } ? Json<NonNullable<Found>> : never
type Success<O> = O extends { responses: infer R } ? { [S in keyof R & (200 | 201 | 202 | 204)]: Json<R[S]> } : never
export type Answer<M extends Method, P extends keyof paths> = Success<Operation<M, P>>[keyof Success<Operation<M, P>>]

export interface CallOptions<M extends Method, P extends keyof paths> {
  /** What stands in braces in the path. */
  path?: Part<Operation<M, P>, "path">
  query?: OptionalPart<Operation<M, P>, "query">
  body?: Body<Operation<M, P>>
  /** Left out: a new one for each call, so that trying again says nothing twice. */
  idempotencyKey?: string
}
type OptionalPart<O, Name extends string> = O extends { parameters: { [N in Name]?: infer Found } } ? Found : never

export interface ServerClient {
  get<P extends PathOf<"get">>(path: P, options?: CallOptions<"get", P>): Promise<Answer<"get", P>>
  post<P extends PathOf<"post">>(path: P, options?: CallOptions<"post", P>): Promise<Answer<"post", P>>
  put<P extends PathOf<"put">>(path: P, options?: CallOptions<"put", P>): Promise<Answer<"put", P>>
  patch<P extends PathOf<"patch">>(path: P, options?: CallOptions<"patch", P>): Promise<Answer<"patch", P>>
  delete<P extends PathOf<"delete">>(path: P, options?: CallOptions<"delete", P>): Promise<Answer<"delete", P>>
  /** Everything on a list's pages, one after the other. */
  each<P extends PathOf<"get">>(path: P, options?: CallOptions<"get", P>): AsyncGenerator<Item<Answer<"get", P>>>
}
type Item<Page> = Page extends { data: readonly (infer One)[] } ? One : never
type Call = { path?: object; query?: object; body?: unknown; idempotencyKey?: string }

const LONGEST_PAUSE_SECONDS = 30

/** Return a client of the server API. Throws RangeError for a key that is none; calls throw DexraError. */
export function createServerClient(options: ServerOptions): ServerClient {
  if (!/^dx_sk_/.test(options.apiKey)) throw new RangeError("apiKey is a secret key: dx_sk_…")
  const call =
    (method: Method) =>
    (path: string, given: Call = {}) =>
      callPatiently(options, method, path, given)
  const get = call("get")
  async function* each(path: string, given: Call = {}) {
    for (let cursor: unknown; ;) {
      const page: any = await get(path, { ...given, query: { ...given.query, ...(cursor ? { cursor } : {}) } })
      yield* page.data
      if (!page.has_more) return
      cursor = page.next_cursor
    }
  }
  return {
    get,
    each,
    post: call("post"),
    put: call("put"),
    patch: call("patch"),
    delete: call("delete"),
  } as ServerClient
}

async function callPatiently(options: ServerOptions, method: Method, path: string, given: Call): Promise<any> {
  const request = written(options, method, path, given)
  for (let tried = 1; ; tried++) {
    try {
      return await callOnce(options, request)
    } catch (failure) {
      const error = failure as DexraError
      const mayTryAgain = error.isTransient || error.code == "idempotency_in_progress"
      if (!mayTryAgain || tried >= (options.tries ?? 4)) throw error
      await pause(error.retryAfter ?? Math.random() * 0.5 * 2 ** tried)
    }
  }
}

interface Written {
  url: string
  init: RequestInit
}

function written(
  { apiKey, baseUrl = "https://api.dexra.net" }: ServerOptions,
  method: Method,
  path: string,
  given: Call,
): Written {
  const values = { ...given.path } as Record<string, unknown>
  const named = path.replace(/\{(\w+)\}/g, (_, name: string) => {
    if (values[name] === undefined || values[name] === "") throw new RangeError(`path.${name} is missing for ${path}.`)
    return encodeURIComponent(String(values[name]))
  })
  const url = new URL(baseUrl.replace(/\/$/, "") + named)
  for (const [name, value] of Object.entries(given.query ?? {})) {
    if (value !== undefined) url.searchParams.set(name, String(value))
  }
  const headers: Record<string, string> = { Authorization: `Bearer ${apiKey}`, Accept: "application/json" }
  if (given.body !== undefined) headers["Content-Type"] = "application/json"
  if (method == "post") headers["Idempotency-Key"] = given.idempotencyKey ?? randomUUID()
  const init: RequestInit = { method: method.toUpperCase(), headers, redirect: "error" }
  if (given.body !== undefined) init.body = JSON.stringify(given.body)
  return { url: url.href, init }
}

async function callOnce({ timeout = 30, fetch: ask = fetch }: ServerOptions, { url, init }: Written): Promise<any> {
  let response: Response
  let text: string
  try {
    response = await ask(url, { ...init, signal: AbortSignal.timeout(timeout * 1000) })
    text = await response.text()
  } catch (cause) {
    const isLate = (cause as Error).name == "TimeoutError"
    throw new DexraError(isLate ? "timeout" : "network", `No answer from ${new URL(url).origin}.`, { cause })
  }
  if (response.ok) return text ? JSON.parse(text) : undefined
  throw refused(response, text)
}

function refused(response: Response, text: string): DexraError {
  let told: any
  try {
    told = JSON.parse(text).error
  } catch {
    told = undefined // a proxy's page, not ours
  }
  const retryAfter = Number(response.headers.get("Retry-After")) || undefined
  return new DexraError(told?.code ?? "http_error", told?.message ?? `The server answered ${response.status}.`, {
    status: response.status,
    field: told?.param ?? undefined,
    requestId: response.headers.get("Request-Id") ?? undefined,
    retryAfter,
    cause: told,
  })
}

function pause(seconds: number): Promise<void> {
  return new Promise((go) => setTimeout(go, Math.min(seconds, LONGEST_PAUSE_SECONDS) * 1000))
}
