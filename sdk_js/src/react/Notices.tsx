/** What stands in the way, in words and with the way out. */

import { useUi } from "./context"
import { quietly, useClientState, useDexra } from "./hooks"
import { Icon } from "./icons"

/** Beside the conversation while it goes on. */
export function Banner() {
  const { cx, strings, isForgetful, say } = useUi()
  const { connection, error, inbox } = useClientState()
  // Polling is silent: it works, only slower. What else has gone wrong is said where it stands in the way.
  const text =
    connection == "offline"
      ? error?.code == "identity_unavailable"
        ? say(error)
        : strings.offline
      : connection == "connecting" && inbox
        ? strings.connecting
        : (isForgetful && strings.errors.storage_unavailable) || (inbox?.is_open === false && strings.out)
  return (
    <div className={cx("banner")} role="status">
      {text && <p dir="auto">{text}</p>}
    </div>
  )
}

/** In its place when nothing can go on; below it when something was said already. */
export function Stopped({ isBelow }: { isBelow: boolean }) {
  const { cx, strings, say } = useUi()
  const client = useDexra()
  const { error } = useClientState()
  return (
    <div className={cx(isBelow ? "closed" : "stopped")} role="alert">
      {!isBelow && <Icon name="alert" className={cx("icon")} />}
      <p dir="auto">{say(error)}</p>
      <button type="button" className={cx("choice")} onClick={() => quietly(client.start())}>
        {strings.retry}
      </button>
    </div>
  )
}

export function Closed({ onNew }: { onNew(): void }) {
  const { cx, strings } = useUi()
  return (
    <div className={cx("closed")}>
      <p>{strings.closed}</p>
      <button type="button" className={cx("button")} onClick={onNew}>
        {strings.again}
      </button>
    </div>
  )
}
