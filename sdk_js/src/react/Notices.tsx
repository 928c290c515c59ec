/** What stands in the way, in words and with the way out. */

import { useUi } from "./context"
import { quietly, useClientState, useDexra } from "./hooks"
import { Icon } from "./icons"

/** Beside the conversation while it goes on. Polling is silent: everything works, only slower. */
export function Banner() {
  const { cx, strings } = useUi()
  const { connection, error, inbox } = useClientState()
  const problem = error && (strings.errors[error.code as "unknown"] ?? error.message)
  const text =
    connection == "offline"
      ? strings.offline
      : connection == "connecting" && inbox
        ? strings.connecting
        : connection != "stopped" && problem
  return (
    <div className={cx("banner")} role="status">
      {text && <p>{text}</p>}
    </div>
  )
}

/** In its place when nothing can go on. */
export function Stopped() {
  const { cx, strings } = useUi()
  const client = useDexra()
  const { connection, error } = useClientState()
  if (connection != "stopped") return null
  return (
    <div className={cx("stopped")} role="alert">
      <Icon name="alert" className={cx("icon")} />
      <p>{strings.errors[error?.code as "unknown"] ?? error?.message ?? strings.errors.unknown}</p>
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
