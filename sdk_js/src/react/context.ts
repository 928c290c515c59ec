/** The one context: the client, which conversation is shown, and how everything is drawn. */

import { createContext, useContext, type ComponentType } from "react"
import type { Strings } from "../locales/en"
import type { Author, ConversationHandle, DexraClientHandle, Failure, InboxInfo, Message } from "../types"
import type { Format } from "./format"

export type Theme = "auto" | "light" | "dark"

export interface MessageProps {
  message: Message
  conversation: ConversationHandle
  /** What its author is called. */
  name: string
  /** First and last of those one author said in a row. */
  isFirst: boolean
  isLast: boolean
  /** An agent has looked since. */
  isSeen: boolean
}

export interface HeaderProps {
  title: string
  /** Whether somebody is there, or why not. */
  subtitle: string
  isTest: boolean
  onBack?: () => void
  onNew?: () => void
  onClose?: () => void
}

/** Parts of your own in the place of ours. */
export interface Components {
  Message?: ComponentType<MessageProps>
  Avatar?: ComponentType<{ author: Pick<Author, "name" | "avatar_url"> & Partial<Author> }>
  Header?: ComponentType<HeaderProps>
  Empty?: ComponentType<{ inbox: InboxInfo | null }>
}

export interface Ui {
  client: DexraClientHandle
  /** The conversation on screen where none is named. */
  shown: ConversationHandle
  show(conversation: ConversationHandle): void
  strings: Strings
  format: Format
  /** What went wrong, in the language of the chat. */
  say(failure: Failure | null | undefined): string
  components: Components
  /** The browser refuses to store: what waits is lost with the page. */
  isForgetful: boolean
  portal?: Element | DocumentFragment
  /** Our class names and the page's; only the page's when unstyled. */
  cx(names: string, className?: string): string | undefined
  /** What the outermost element of a part carries. */
  root: { dir: "rtl" | "ltr"; lang: string; "data-dx-theme": Theme }
}

export const Context = createContext<Ui | null>(null)

export function useUi(): Ui {
  const ui = useContext(Context)
  if (!ui) throw new Error("Put this inside <DexraProvider>.")
  return ui
}
