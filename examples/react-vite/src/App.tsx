import { DexraProvider, Launcher, useConnection, useUnread } from "@dexra/sdk/react"
import "@dexra/sdk/styles.css"

// .env.local: VITE_DEXRA_URL and VITE_DEXRA_INBOX
const options = {
  baseUrl: import.meta.env.VITE_DEXRA_URL ?? "http://127.0.0.1:8000",
  inbox: import.meta.env.VITE_DEXRA_INBOX,
  attributes: { first_name: "Amine", user_type: "premium" },
}

export function App() {
  return (
    <DexraProvider options={options}>
      <Standing />
      <Launcher />
    </DexraProvider>
  )
}

/** Everything in the chat is there for your own parts, too. */
function Standing() {
  const connection = useConnection()
  const unread = useUnread()
  return (
    <main>
      <h1>A shop</h1>
      <p>
        The chat is {connection}. Unread: {unread}.
      </p>
    </main>
  )
}
