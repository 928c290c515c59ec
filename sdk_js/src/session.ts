/** Who talks to the server: opened with what proves it, kept fresh, remembered for the next page. */

import { DexraError, isStopping, toDexraError } from "./errors"
import type { Http } from "./http"
import type { Vault } from "./storage"
import { exclusively } from "./tabs"
import type { Attributes, Identity, InboxInfo, Options, User } from "./types"

/** How long before its end a token is replaced. */
const MARGIN = 60_000

export interface Opened {
  token: string
  expires_at: string
  source_id: string
  pubsub_token: string
  cable_url: string
  livemode: boolean
  user: User
  inbox: InboxInfo
  unread_count: number
  ignored: Ignored[]
  position: string
}

export interface Ignored {
  field: string
  reason: string
}

export interface SessionWatcher {
  onOpened(opened: Opened): void
  /** It cannot be opened until somebody puts something right. */
  onRefused(error: DexraError): void
}

export interface Session {
  /** Where this person's things are kept: one prefix for each inbox and identifier; `""` before the first opening. */
  home(): string
  /** Whoever was here before they said who they are: their prefix. */
  readonly anonymousHome: string
  current(): Opened | null
  /** Open it, or open it again. Callers at the same time share one request. */
  open(): Promise<Opened>
  call<Answer>(method: string, path: string, body?: unknown): Promise<Answer>
  /** Do what needs a token; once more with a new one if the old one is not taken. */
  authorised<Answer>(act: (token: string) => Promise<Answer>): Promise<Answer>
  /** From now on it is somebody else, or nobody known; nothing that was begun for the last one is finished. */
  become(identity: Identity | null, attributes?: Attributes): void
  forget(): void
}

const somebodyElse = () => new DexraError("session_changed")

/** Whom a JWT is about; only the server can tell whether it is true. */
function subjectOf(token: string): string {
  try {
    return String(JSON.parse(atob(token.split(".")[1]!.replace(/-/g, "+").replace(/_/g, "/"))).sub)
  } catch {
    return "?"
  }
}

/** What the page says of who it is: whom, and the proof as the server wants it. */
async function proofOf(identity: Identity): Promise<[who: string, proof: object]> {
  if (!("token" in identity)) {
    return [identity.identifier, { identifier: identity.identifier, identifier_hash: identity.identifierHash }]
  }
  const { token } = identity
  if (typeof token == "string") return [subjectOf(token), { token }]
  try {
    const fresh = await token()
    return [subjectOf(fresh), { token: fresh }]
  } catch (cause) {
    throw new DexraError("identity_unavailable", String((cause as Error)?.message ?? cause), { cause })
  }
}

export function createSession(options: Options, http: Http, vault: Vault, watcher: SessionWatcher): Session {
  const anonymousHome = `dexra:${options.inbox ?? options.publishableKey}:`
  let identity = options.identity
  let attributes = options.attributes
  let home = ""
  let opened: Opened | null = null
  let opening: Promise<Opened> | null = null
  /** Counts who it has been: what was asked for one is never used for another. */
  let person = 0
  let freshUntil = Infinity

  const sourceKey = (place: string) => place + ":session"
  const recall = (place: string): string | undefined => vault.read(sourceKey(place))?.source_id

  /** Ask for a session; one that is known to be somebody else's by now is not asked for again. */
  async function ask(source_id: string | undefined, proof?: object): Promise<Opened> {
    try {
      return await http("POST", "/sessions", undefined, {
        inbox: options.inbox,
        publishable_key: options.publishableKey,
        source_id,
        identity: proof,
        attributes,
        locale: options.locale,
      })
    } catch (error) {
      // What storage holds may be anything: a name that is none is no reason to be without a chat.
      const { code, field } = error as DexraError
      if (!source_id || !(field == "source_id" || /^(identity_required|session_ended)$/.test(code))) throw error
      return ask(undefined, proof)
    }
  }

  async function openOnce(): Promise<Opened> {
    const mine = person
    const [who, proof] = identity ? await proofOf(identity) : ["", undefined]
    const place = anonymousHome + who
    // Whoever was anonymous here a moment ago goes on as who they are.
    const known = () => (home == place ? undefined : recall(anonymousHome)) ?? recall(place)
    // Two tabs of a newcomer are one newcomer: the second finds what the first has left.
    const answer = await exclusively(place, async () => {
      const answer = await ask(known(), proof)
      // Only the name of the session: a token in storage would open a verified one without proof.
      if (mine == person) vault.write(sourceKey(place), { source_id: answer.source_id })
      return answer
    })
    if (mine != person) throw somebodyElse()
    settle(place, answer)
    return answer
  }

  function settle(place: string, answer: Opened) {
    if (place != anonymousHome && place != home) vault.write(sourceKey(anonymousHome), null)
    home = place
    opened = answer
    attributes = undefined
    // A clock that is wrong makes nonsense of the lifetime; then the server's 401 is the word. A clock that is put
    // right meanwhile changes nothing, because `performance.now()` does not know what time it is.
    const lifetime = Date.parse(answer.expires_at) - Date.now()
    freshUntil = lifetime > 2 * MARGIN ? performance.now() + lifetime - MARGIN : Infinity
    watcher.onOpened(answer)
  }

  function open(): Promise<Opened> {
    if (opening) return opening
    const mine: Promise<Opened> = openOnce()
      .catch((thrown) => {
        const error = toDexraError(thrown)
        if (opening == mine && !error.isTransient) watcher.onRefused(error)
        throw error
      })
      .finally(() => {
        if (opening == mine) opening = null
      })
    return (opening = mine)
  }

  async function token(): Promise<string> {
    const mine = person
    if (opening || !opened || performance.now() > freshUntil) await open()
    if (mine != person) throw somebodyElse()
    return opened!.token
  }

  async function authorised<Answer>(act: (token: string) => Promise<Answer>, isSecond = false): Promise<Answer> {
    const mine = person
    const asked = await token()
    try {
      const answer = await act(asked)
      if (mine != person) throw somebodyElse()
      return answer
    } catch (thrown) {
      const error = thrown as DexraError
      if (mine != person || !isStopping(error)) throw error
      if (error.status != 401 || isSecond) {
        watcher.onRefused(error)
        throw error
      }
      if (error.code == "session_ended") vault.write(sourceKey(home), null)
      // Whoever was refused first has opened it anew already.
      if (opened?.token == asked) await open()
      return authorised(act, true)
    }
  }

  return {
    home: () => home,
    anonymousHome,
    current: () => opened,
    open,
    call: (method, path, body) => authorised((token) => http(method, path, token, body)),
    authorised,
    become(next, said) {
      person++
      opening = null
      identity = next
      attributes = said
    },
    forget() {
      vault.write(sourceKey(home || anonymousHome), null)
      home = ""
      opened = null
    },
  }
}
