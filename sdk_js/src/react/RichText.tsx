/** A text with its links; line breaks are kept by the style. */

import { Fragment, type ReactNode } from "react"
import { useUi } from "./context"
import { linkify } from "./links"

export function RichText({ text }: { text: string }) {
  const { cx } = useUi()
  return (
    <p className={cx("text")} dir="auto">
      {linkify(text).map((piece, index) =>
        piece.href ? (
          <Link key={index} href={piece.href}>
            {piece.text}
          </Link>
        ) : (
          <Fragment key={index}>{piece.text}</Fragment>
        ),
      )}
    </p>
  )
}

export interface LinkProps {
  href: string
  children: ReactNode
  className?: string
  download?: string
  "aria-label"?: string
}

/** Leaves the page alone: a new tab that knows nothing of where it was opened. */
export function Link(props: LinkProps) {
  return <a target="_blank" rel="noopener noreferrer nofollow ugc" {...props} />
}
