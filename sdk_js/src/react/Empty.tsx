/** Before anything was said: a greeting. */

import { useUi } from "./context"
import { useClientState } from "./hooks"
import { Icon } from "./icons"
import { RichText } from "./RichText"

export function Empty() {
  const { components, cx, strings } = useUi()
  const { inbox } = useClientState()
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
