import "@dexra/sdk/styles.css"
import { hydrateRoot } from "react-dom/client"
import { Page } from "./Page"

const root = document.getElementById("root")!
hydrateRoot(root, <Page baseUrl={root.dataset.baseUrl!} inbox={root.dataset.inbox!} />)
