/** Which addresses may be followed, and where they are in a text. */

const SAFE = /^(https?:\/\/|mailto:|tel:)/i
const SHOWABLE = /^(https?:\/\/|blob:|\/(?!\/))/i
const LINK = /\b(?:https?:\/\/|mailto:|tel:|www\.)[^\s<>"'`]+|[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}/gi
const TRAILING = ".,;:!?)]}»”’؟،؛*_~"

export interface Piece {
  text: string
  href?: string
}

/** The address when it may be followed: http, https, mailto, tel; nothing else, whatever it is called. */
export function safeHref(url: unknown): string | undefined {
  return typeof url == "string" && SAFE.test(url) ? url : undefined
}

/** The address when an image or a player may load it. */
export function safeSource(url: unknown): string | undefined {
  return typeof url == "string" && SHOWABLE.test(url) ? url : undefined
}

/** A text cut into words and links, in order and complete. */
export function linkify(text: string): Piece[] {
  const pieces: Piece[] = []
  let end = 0
  for (const match of text.matchAll(LINK)) {
    const found = withoutTrailing(match[0])
    if (match.index > end) pieces.push({ text: text.slice(end, match.index) })
    pieces.push({ text: found, href: hrefOf(found) })
    end = match.index + found.length
  }
  if (end < text.length) pieces.push({ text: text.slice(end) })
  return pieces
}

/** A full stop ends the sentence, not the address; a bracket belongs to the address when it was opened there. */
function withoutTrailing(found: string): string {
  let end = found.length
  while (TRAILING.includes(found[end - 1]!)) end -= 1
  const kept = found.slice(0, end)
  return found[end] == ")" && kept.includes("(") ? kept + ")" : kept
}

function hrefOf(found: string): string {
  if (SAFE.test(found)) return found
  return found.includes("@") && !/^www\./i.test(found) ? `mailto:${found}` : `https://${found}`
}
