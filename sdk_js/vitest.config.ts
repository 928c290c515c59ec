import { fileURLToPath } from "node:url"
import { defineConfig } from "vitest/config"

/** `REACT=18` runs the components with React 18. */
const react18 = fileURLToPath(new URL("tools/react-18/node_modules/", import.meta.url))
const names = ["react", "react-dom", "@testing-library/react"]

export default defineConfig({
  resolve: {
    alias:
      process.env.REACT === "18"
        ? names.map((name) => ({ find: new RegExp(`^${name}(?=/|$)`), replacement: react18 + name }))
        : [],
  },
  test: {
    environment: "happy-dom",
    include: ["src/**/*.test.{ts,tsx}"],
    restoreMocks: true,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
})
