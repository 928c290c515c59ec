/** One conversation kept in step with the server. */

import type { ConversationHandle, ConversationState } from "./types"

export const NOTHING_YET: ConversationState = {
  summary: null,
  messages: [],
  isLoading: false,
  hasOlder: false,
  typing: [],
  ai: { state: "idle", text: "" },
  error: null,
}

export type { ConversationHandle }
