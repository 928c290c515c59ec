/**
 * What a person has said and the server has not confirmed.
 *
 * A message waits here from when it is sent until the server has it, in the order it was said in each conversation,
 * kept in storage for each person. Its id goes along with every attempt, so that the server takes it once however
 * often it arrives. Each tab sends what it queued, and what a tab left that is no more.
 */

import { DexraError, failureOf, isStopping, toDexraError } from "./errors"
import type { Vault } from "./storage"
import { hold } from "./tabs"
import { backoff } from "./timing"
import type { Attachment, Failure } from "./types"

const MOST = 50
const KEPT = 24 * 60 * 60 * 1000

export interface Entry {
  /** The `client_message_id`. */
  id: string
  /** `conv_…`, or `new_…` until the server has made it. */
  conversation: string
  text: string
  /** How many files belong to it, and the ids of those the server has. */
  files: number
  attachment_ids: string[]
  /** When it was said, in milliseconds. */
  at: number
  failure: Failure | null
  tab: string
}

/** A file of a message that is on its way; the file itself is gone when the page is. */
export interface Parcel {
  file: File
  shown: Attachment
  abort?: () => void
}

export interface OutboxWatcher {
  /** Give a file to the server. `tell` hears how far it is. */
  carry(parcel: Parcel, tell: () => void): Promise<string>
  /** Give a message to the server; the file ids are in it. */
  post(entry: Entry): Promise<void>
  /** What is shown of what waits has changed. */
  onChange(): void
  onFailed(entry: Entry, error: DexraError): void
}

export interface Outbox {
  /** Send what waits for this person; what was said before anybody was known goes along. */
  open(home: string, anonymousHome: string): void
  /** Send nothing until it is opened again. */
  pause(): void
  close(): void
  wipe(): void
  wake(): void
  add(conversation: string, text: string, parcels: Parcel[]): Entry
  retry(id: string): void
  /** Forget a message: it is not wanted any more, or the server has it. Returns it if it was there. */
  remove(id: string): Entry | undefined
  /** A conversation has its real name. */
  rename(conversation: string, id: string): void
  of(conversation: string): Entry[]
  parcels(entry: Entry): Parcel[]
  isSending(entry: Entry): boolean
  waiting(): number
  /** The latest conversation that exists only here. */
  unborn(): string | undefined
}

export function newId(): string {
  return (
    crypto.randomUUID?.() ??
    [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => (byte + 256).toString(16).slice(1)).join("")
  )
}

function isEntry(entry: any): entry is Entry {
  return (
    [entry?.id, entry?.conversation, entry?.text].every((one) => typeof one == "string") &&
    Array.isArray(entry.attachment_ids) &&
    entry.at > 0
  )
}

export function createOutbox(vault: Vault, watcher: OutboxWatcher): Outbox {
  let mine: Entry[] = []
  let home = ""
  let isOpen = false
  const tab = newId()
  let leaving: (() => void)[] = []
  let watched = new Set<string>()
  let failures = 0
  let timer: ReturnType<typeof setTimeout> | undefined
  let notBefore = 0
  const sending = new Map<string, string>()
  const files = new Map<string, Parcel[]>()

  const key = (place = home) => place + ":outbox"
  const tabLock = (name: string) => "dexra:tab:" + name
  const stored = (place = home): Entry[] => {
    const list = vault.read(key(place))
    return Array.isArray(list) ? list.filter(isEntry) : []
  }
  const parcels = (entry: Entry) => files.get(entry.id) ?? []

  function save() {
    if (!home) return
    const theirs = stored().filter((entry) => entry.tab != tab)
    const all = [...theirs, ...mine]
    vault.write(key(), all.length ? all : null)
    watchTabs(home, theirs)
  }

  /** Be there when a tab ends that has left something at `place`: its lock is free then. */
  function watchTabs(place: string, entries: Entry[]) {
    const whose = home
    for (const { tab: other } of entries) {
      const name = place + other
      if (other == tab || watched.has(name)) continue
      watched.add(name)
      let release: (() => void) | undefined
      release = hold(tabLock(other), () => {
        if (home == whose) take(place, other)
        release?.()
      })
      leaving.push(release)
    }
  }

  /** Make what a tab has left at `place` this tab's, and this person's. */
  function take(place: string, from: string) {
    const there = stored(place)
    const rest = there.filter((entry) => entry.tab != from)
    vault.write(key(place), rest.length ? rest : null)
    for (const entry of there) {
      if (entry.tab == from && !find(entry.id)) mine.push(revive({ ...entry, tab }))
    }
    mine.sort((one, other) => one.at - other.at)
    save()
    watcher.onChange()
    pump()
  }

  /** A message of an earlier page: its files are gone, and after a day nobody expects it to be sent by itself. */
  function revive(entry: Entry): Entry {
    const { attachment_ids, failure, files: count, at } = entry
    const isOld = !failure && Date.now() - at > KEPT
    const code = attachment_ids.length < count ? "file_lost" : isOld && "expired"
    return code ? { ...entry, failure: { code, message: code }, at: failure ? at : Date.now() } : entry
  }

  function pump() {
    if (!isOpen || timer) return
    for (const entry of [...mine]) {
      if (!entry.failure && ![...sending.values()].includes(entry.conversation)) void run(entry)
    }
  }

  async function run(entry: Entry) {
    sending.set(entry.id, entry.conversation)
    watcher.onChange()
    try {
      await deliver(entry)
      failures = 0
      remove(entry.id)
    } catch (thrown) {
      sending.delete(entry.id)
      if (mine.includes(entry)) refused(entry, toDexraError(thrown))
    }
    sending.delete(entry.id)
    watcher.onChange()
    pump()
  }

  async function deliver(entry: Entry) {
    for (const parcel of parcels(entry).slice(entry.attachment_ids.length)) {
      entry.attachment_ids.push(await watcher.carry(parcel, () => watcher.onChange()))
      save()
    }
    if (!isOpen || !mine.includes(entry)) throw new DexraError("session_changed")
    await watcher.post(entry)
  }

  function refused(entry: Entry, error: DexraError) {
    if (isStopping(error)) isOpen = false
    else if (error.isTransient) {
      const wait = (error.retryAfter ?? 0) * 1000
      notBefore = performance.now() + wait
      clearTimeout(timer)
      timer = setTimeout(resume, wait || backoff(++failures))
    } else {
      entry.failure = failureOf(error)
      save()
      watcher.onChange()
      watcher.onFailed(entry, error)
    }
  }

  function resume() {
    clearTimeout(timer)
    timer = undefined
    pump()
  }

  /** Try now, unless the server has said when. */
  function wake() {
    if (performance.now() >= notBefore) resume()
  }

  function find(id: string) {
    return mine.find((entry) => entry.id == id)
  }

  function remove(id: string) {
    const entry = find(id)
    if (!entry) return
    mine = mine.filter((one) => one != entry)
    for (const { shown, abort } of parcels(entry)) {
      abort?.()
      URL.revokeObjectURL?.(shown.url)
    }
    files.delete(id)
    save()
    watcher.onChange()
    return entry
  }

  return {
    open(next, anonymousHome) {
      // What a known person said stays theirs; what nobody in particular said is said by whoever it turns out to be.
      if (home != next && home && home != anonymousHome) mine = []
      home = next
      isOpen = true
      failures = 0
      if (!leaving.length) leaving.push(hold(tabLock(tab), () => {}))
      take(next, tab)
      if (next != anonymousHome) {
        watchTabs(anonymousHome, stored(anonymousHome))
        take(anonymousHome, tab)
      }
      wake()
    },
    pause: () => void (isOpen = false),
    close() {
      isOpen = false
      clearTimeout(timer)
      timer = undefined
      leaving.forEach((leave) => leave())
      leaving = []
      watched = new Set()
    },
    wipe() {
      ;[...mine].forEach(({ id }) => remove(id))
      if (home) vault.write(key(), null)
      home = ""
    },
    wake,
    add(conversation, text, some) {
      if (mine.length >= MOST) throw new DexraError("outbox_full", `outbox_full: ${MOST}`, { status: 422 })
      const at = Date.now()
      const entry = { id: newId(), conversation, text, files: some.length, attachment_ids: [], at, failure: null, tab }
      mine.push(entry)
      if (some.length) files.set(entry.id, some)
      save()
      watcher.onChange()
      wake()
      return entry
    },
    retry(id) {
      const entry = find(id)
      if (!entry?.failure || entry.attachment_ids.length + parcels(entry).length < entry.files) return
      entry.failure = null
      save()
      watcher.onChange()
      wake()
    },
    remove,
    rename(conversation, id) {
      mine.forEach((entry) => {
        if (entry.conversation == conversation) entry.conversation = id
      })
      save()
    },
    of: (conversation) => mine.filter((entry) => entry.conversation == conversation),
    parcels,
    isSending: (entry) => sending.has(entry.id),
    waiting: () => mine.filter((entry) => !entry.failure).length,
    unborn: () =>
      mine
        .map((entry) => entry.conversation)
        .filter((name) => name.startsWith("new_"))
        .pop(),
  }
}
