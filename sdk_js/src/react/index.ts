"use client"

/** `@dexra/sdk/react`: the chat as components, and its state as hooks. */

export { Avatar, type AvatarProps } from "./Avatar"
export { Composer, type ComposerProps } from "./Composer"
export type { Components, HeaderProps, MessageProps, Theme } from "./context"
export { ConversationList, type ConversationListProps } from "./ConversationList"
export { DexraChat, type DexraChatProps } from "./DexraChat"
export { DexraProvider, type DexraProviderProps } from "./DexraProvider"
export {
  useClientState,
  useConnection,
  useConversation,
  useConversations,
  useDexra,
  useStrings,
  useUnread,
  type Conversation,
  type Conversations,
} from "./hooks"
export { Launcher, type LauncherProps } from "./Launcher"
export { MessageList, type MessageListProps } from "./MessageList"
export type { Plural, Strings } from "../locales/en"
