/** Before anything was said: a greeting, or why nothing can be. */

import { useUi } from "./context"
import { useClientState } from "./hooks"
import { Icon } from "./icons"
import { RichText } from "./RichText"

export function Empty() {
  const { components, cx, strings } = useUi()
  const { inbox, connection } = useClientState()
  if (connection == "stopped") return null
  if (components.Empty) return <components.Empty inbox={inbox} />
  return (
    <div className={cx("empty")}>
      <span className={cx("avatar")}>
        <Icon name="chat" />
      </span>
      <RichText text={inbox?.greeting || strings.hello} />
    </div>
  )
}
