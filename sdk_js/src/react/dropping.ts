/** Files dropped anywhere on a chat go into its composer; without this the browser would leave the page for them. */

import { useEffect, useRef, type RefObject } from "react"

export function useDrop(
  form: RefObject<HTMLElement | null>,
  attach: (files: Iterable<File>) => void,
  isOn: boolean,
): void {
  const latest = useRef(attach)
  useEffect(() => {
    latest.current = attach
  })
  useEffect(() => {
    const area = form.current?.closest<HTMLElement>("[data-dx-drop]") ?? form.current
    if (!area || !isOn) return
    const hasFiles = (event: DragEvent) => event.dataTransfer?.types.includes("Files")
    const over = (event: DragEvent) => {
      if (!hasFiles(event)) return
      event.preventDefault()
      area.dataset.dxDrop = "over"
    }
    const leave = (event: DragEvent) => {
      if (!area.contains(event.relatedTarget as Node | null)) area.dataset.dxDrop = ""
    }
    const drop = (event: DragEvent) => {
      if (!hasFiles(event)) return
      event.preventDefault()
      area.dataset.dxDrop = ""
      latest.current(event.dataTransfer!.files)
    }
    const controller = new AbortController()
    const { signal } = controller
    area.addEventListener("dragover", over, { signal })
    area.addEventListener("dragleave", leave, { signal })
    area.addEventListener("drop", drop, { signal })
    return () => controller.abort()
  }, [form, isOn])
}
