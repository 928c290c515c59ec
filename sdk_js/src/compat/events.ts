/**
 * Tells the page in the old way: native events on `document`, whose `detail` is the payload.
 *
 * A handler bound with jQuery gets `(event, payload)` and is called once, because jQuery listens to the native event
 * too: only what it hands on is completed. Whoever begins to listen after `SBInit` or `SBReady` still hears it.
 */

interface LegacyEvent extends Event {
  detail?: unknown
}
type Handler = (this: unknown, event: unknown, ...values: unknown[]) => unknown

const ONCE = new Set(["SBReady", "SBInit"])
const NAMES = [
  ...ONCE,
  ...["ActiveUserLoaded", "Error", "Logout", "ChatOpen", "ChatClose", "MessageSent", "NewMessagesReceived"],
  ...["NewConversationCreated", "NewConversationReceived", "ActiveConversationChanged", "ConversationOpen"],
  ...["ActiveConversationStatusUpdated", "NotificationsUpdate", "Typing", "RichMessageSubmit", "MessageDeleted"],
].map((name) => (ONCE.has(name) ? name : `SB${name}`))

export interface PageEvents {
  tell(name: string, payload?: unknown): void
}

/** Begin to tell `page` (a document) what happens. */
export function createPageEvents(page: Document): PageEvents {
  const told = new Map<string, LegacyEvent>()
  let isJQueryListening = false

  const listen = page.addEventListener.bind(page) as (...words: unknown[]) => void
  page.addEventListener = ((name: string, listener: unknown, ...rest: unknown[]) => {
    listen(name, listener, ...rest)
    const missed = told.get(name)
    if (missed && listener && !isJQueryListening) setTimeout(() => call(listener, page, missed))
  }) as Document["addEventListener"]

  const serveJQuery = () => {
    const special = (window as any).jQuery?.event?.special
    if (!special || special.SBInit) return
    for (const name of NAMES) {
      special[name] = {
        setup: () => !(isJQueryListening = true),
        add(binding: { handler: Handler }) {
          isJQueryListening = false
          const missed = told.get(name)
          if (missed) setTimeout(() => binding.handler.call(page, missed, missed.detail))
        },
        handle(this: unknown, event: any, ...values: unknown[]) {
          const detail = event.originalEvent?.detail ?? undefined
          return event.handleObj.handler.call(
            this,
            event,
            ...(values.length || detail === undefined ? values : [detail]),
          )
        },
      }
    }
  }
  serveJQuery()

  return {
    tell(name, payload) {
      serveJQuery()
      const event = new CustomEvent(name, { detail: payload ?? null })
      if (ONCE.has(name)) told.set(name, event)
      page.dispatchEvent(event)
    },
  }
}

function call(listener: unknown, page: Document, event: Event): void {
  if (typeof listener == "function") listener.call(page, event)
  else (listener as EventListenerObject).handleEvent(event)
}
