/** Where a list of messages stands: at its end as long as it was there, and where it was when older ones come. */

import { useCallback, useEffect, useLayoutEffect, useRef, useState, type Ref } from "react"

const NEAR_END = 60
const NEAR_START = 240

/** Servers know no layout; React 18 warns of it. */
const useBeforePaint = typeof window == "undefined" ? useEffect : useLayoutEffect

interface Place {
  node: HTMLElement
  top: number
}

export interface Scrolling {
  isAtEnd: boolean
  toEnd(): void
  onScroll(): void
  scroller: Ref<HTMLDivElement>
}

/** `drawn` is different whenever other messages are drawn; `onStart` is asked for older ones near the start. */
export function useScrolling(drawn: unknown, onStart: () => void): Scrolling {
  const scroller = useRef<HTMLDivElement>(null)
  const place = useRef<Place | null>(null)
  const isStuck = useRef(true)
  const [isAtEnd, setAtEnd] = useState(true)

  const toEnd = useCallback(() => {
    isStuck.current = true
    const box = scroller.current
    if (box) box.scrollTop = box.scrollHeight
  }, [])

  const onScroll = useCallback(() => {
    const box = scroller.current
    if (!box) return
    isStuck.current = box.scrollHeight - box.scrollTop - box.clientHeight < NEAR_END
    setAtEnd(isStuck.current)
    place.current = placeOf(box)
    if (box.scrollTop < NEAR_START && !isStuck.current) onStart()
  }, [onStart])

  useBeforePaint(() => {
    const box = scroller.current
    if (!box) return
    if (isStuck.current) toEnd()
    else if (place.current?.node.isConnected) {
      const { node, top } = place.current
      const moved = node.offsetTop - box.scrollTop - top
      if (Math.abs(moved) > 1) box.scrollTop += moved
    }
  }, [drawn, toEnd])

  // Pictures that load, a keyboard that opens: whoever reads the end goes on reading the end.
  useEffect(() => {
    const box = scroller.current
    if (!box || typeof ResizeObserver == "undefined") return
    const observer = new ResizeObserver(() => isStuck.current && toEnd())
    observer.observe(box)
    ;[...box.children].forEach((child) => observer.observe(child))
    return () => observer.disconnect()
  }, [toEnd])

  return { isAtEnd, toEnd, onScroll, scroller }
}

/** The first message that is on screen: what the eye holds on to. */
function placeOf(box: HTMLElement): Place | null {
  const nodes = [...box.querySelectorAll<HTMLElement>("[data-dx-id]")]
  const node = nodes.find(({ offsetTop, offsetHeight }) => offsetTop + offsetHeight > box.scrollTop)
  return node ? { node, top: node.offsetTop - box.scrollTop } : null
}
