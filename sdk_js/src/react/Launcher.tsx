/** A button that says how much is new, and the panel it opens: a dialog beside the page, over it where there is no room. */

import {
  useCallback,
  useEffect,
  useId,
  useRef,
  useState,
  type KeyboardEvent,
  type ReactNode,
  type Ref,
  type RefObject,
} from "react"
import { createPortal } from "react-dom"
import { DexraChat } from "./DexraChat"
import { useUi } from "./context"
import { useUnread } from "./hooks"
import { Icon } from "./icons"

const SMALL = "(max-width: 639px)"

export interface LauncherProps {
  /** Which corner, in the direction of the text. */
  position?: "end" | "start"
  className?: string
  /** Yours to decide; left out, the launcher decides. */
  isOpen?: boolean
  onOpenChange?(isOpen: boolean): void
  /** For a page that has a button of its own. */
  isButtonHidden?: boolean
  /** In the place of the chat. */
  children?: ReactNode
}

export function Launcher({
  position = "end",
  className,
  isOpen,
  onOpenChange,
  isButtonHidden,
  children,
}: LauncherProps) {
  const { cx, strings, format, root, portal } = useUi()
  const unread = useUnread()
  const [own, setOwn] = useState(false)
  const isShown = isOpen ?? own
  const id = useId()
  const button = useRef<HTMLButtonElement>(null)
  const tell = useRef(onOpenChange)
  useEffect(() => {
    tell.current = onOpenChange
  })
  const change = useCallback((next: boolean) => {
    setOwn(next)
    tell.current?.(next)
  }, [])
  const close = useCallback(() => change(false), [change])
  const panel = usePanel(isShown, close, button)
  const drawn = (
    <div className={cx(`launcher ${position}`, className)} {...root}>
      <dialog
        id={id}
        ref={panel}
        className={cx("panel")}
        aria-label={strings.chat}
        tabIndex={-1}
        onKeyDown={onEscape(close)}
      >
        {isShown && (children ?? <DexraChat onClose={close} />)}
      </dialog>
      {!isButtonHidden && (
        <LaunchButton button={button} panelId={id} isShown={isShown} onClick={() => change(!isShown)} />
      )}
      <span className={cx("sr")} role="status">
        {unread > 0 && !isShown ? format.plural(strings.unread, unread) : ""}
      </span>
    </div>
  )
  return portal ? createPortal(drawn, portal) : drawn
}

interface LaunchButtonProps {
  button: Ref<HTMLButtonElement>
  panelId: string
  isShown: boolean
  onClick(): void
}

function LaunchButton({ button, panelId, isShown, onClick }: LaunchButtonProps) {
  const { cx, strings, format } = useUi()
  const unread = useUnread()
  const label = isShown ? strings.close : strings.open
  return (
    <button
      ref={button}
      type="button"
      className={cx("launch")}
      aria-expanded={isShown}
      aria-controls={panelId}
      aria-label={unread ? `${label}, ${format.plural(strings.unread, unread)}` : label}
      onClick={onClick}
    >
      <Icon name={isShown ? "down" : "chat"} />
      {unread > 0 && !isShown && (
        <span className={cx("count-badge")} aria-hidden="true">
          {format.number(unread)}
        </span>
      )}
    </button>
  )
}

function onEscape(close: () => void) {
  return (event: KeyboardEvent) => {
    if (event.key != "Escape" || event.nativeEvent.isComposing) return
    event.stopPropagation()
    event.preventDefault()
    close()
  }
}

/**
 * Open and close the dialog, and move the focus there and back. Where it fills the screen it is modal: the browser
 * keeps the focus inside and makes the page behind it inert.
 */
function usePanel(isShown: boolean, close: () => void, button: RefObject<HTMLButtonElement | null>) {
  const panel = useRef<HTMLDialogElement>(null)
  useEffect(() => {
    const dialog = panel.current
    if (!dialog || !isShown) return
    const small = matchMedia(SMALL)
    const opener = document.activeElement as HTMLElement | null
    const show = () => {
      const focused = focusOf(dialog)
      dialog.close()
      if (small.matches) dialog.showModal()
      else dialog.show()
      ;(dialog.contains(focused) ? focused! : firstFocus(dialog, small.matches)).focus()
    }
    const cancel = (event: Event) => {
      event.preventDefault()
      close()
    }
    show()
    small.addEventListener("change", show)
    dialog.addEventListener("cancel", cancel)
    return () => {
      small.removeEventListener("change", show)
      dialog.removeEventListener("cancel", cancel)
      const focused = focusOf(dialog)
      dialog.close()
      // What had the focus inside is gone by now; whoever is elsewhere on the page stays there.
      if (!focused || focused == document.body || dialog.contains(focused)) (button.current ?? opener)?.focus()
    }
  }, [isShown, close, button])
  return panel
}

/** What has the focus, as seen from the root this stands in. */
function focusOf(dialog: HTMLElement): HTMLElement | null {
  return (dialog.getRootNode() as Document | ShadowRoot).activeElement as HTMLElement | null
}

/** The composer; on a small screen the panel itself, so that no keyboard hides what was said. */
function firstFocus(dialog: HTMLElement, isSmall: boolean): HTMLElement {
  return (!isSmall && dialog.querySelector<HTMLElement>("textarea:not(:disabled)")) || dialog
}
