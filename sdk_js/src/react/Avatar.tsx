/** A face, or the first letter of a name. */

import { useState } from "react"
import type { Author } from "../types"
import { useUi } from "./context"
import { safeSource } from "./links"

export interface AvatarProps {
  author: Pick<Author, "name" | "avatar_url"> & Partial<Author>
}

export function Avatar({ author }: AvatarProps) {
  const { components, cx } = useUi()
  const [broken, setBroken] = useState("")
  const source = safeSource(author.avatar_url)
  if (components.Avatar) return <components.Avatar author={author} />
  return (
    <span className={cx("avatar")} aria-hidden="true">
      {source && source != broken ? (
        <img src={source} alt="" loading="lazy" onError={() => setBroken(source)} />
      ) : (
        [...author.name.trim()][0]?.toLocaleUpperCase()
      )}
    </span>
  )
}
