import { DexraProvider, DexraChat } from "@dexra/sdk/react"

export interface PageProps {
  baseUrl: string
  inbox: string
}

/** Drawn on the server and again in the browser: the chat begins to talk only there. */
export function Page({ baseUrl, inbox }: PageProps) {
  const token = () => fetch("/dexra-token").then((answer) => answer.text())
  return (
    <main>
      <h1>Your account</h1>
      <DexraProvider options={{ baseUrl, inbox, identity: { token } }}>
        <DexraChat />
      </DexraProvider>
    </main>
  )
}
