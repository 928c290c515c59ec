/** Who this is and whether they are there; the ways back, on and out. */

import { Avatar } from "./Avatar"
import { useUi, type HeaderProps } from "./context"
import { Icon, type IconName } from "./icons"

export function Header(props: HeaderProps & { avatar_url?: string }) {
  const { components, cx, strings } = useUi()
  if (components.Header) return <components.Header {...props} />
  const { title, subtitle, isTest, onBack, onNew, onClose, avatar_url = "" } = props
  return (
    <header className={cx("header")}>
      {onBack && <HeaderButton icon="back" label={strings.back} onClick={onBack} className="back" />}
      <Avatar author={{ name: title, avatar_url }} />
      <div className={cx("titles")}>
        <h2 className={cx("title")}>
          <bdi>{title}</bdi>
          {isTest && <span className={cx("badge test")}>{strings.test}</span>}
        </h2>
        {subtitle && <p className={cx("subtitle")}>{subtitle}</p>}
      </div>
      {onNew && <HeaderButton icon="add" label={strings.new} onClick={onNew} className="begin" />}
      {onClose && <HeaderButton icon="close" label={strings.close} onClick={onClose} className="out" />}
    </header>
  )
}

interface HeaderButtonProps {
  icon: IconName
  label: string
  onClick(): void
  className?: string
}

function HeaderButton({ icon, label, onClick, className = "" }: HeaderButtonProps) {
  const { cx } = useUi()
  return (
    <button type="button" className={cx(`icon-button ${className}`)} aria-label={label} title={label} onClick={onClick}>
      <Icon name={icon} />
    </button>
  )
}
