/** The SDK in a real browser against the running product. `DEXRA_URL` names one that runs already. */

import { existsSync } from "node:fs"
import { defineConfig } from "@playwright/test"

const port = process.env.PORT ?? "8461"
const browsers = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"]
export const BASE_URL = process.env.DEXRA_URL ?? `http://127.0.0.1:${port}`
export const DATA = process.env.DEXRA_SDK_DATA ?? new URL("../var/test-sdk", import.meta.url).pathname

export default defineConfig({
  testDir: "e2e",
  // Machines are shared: whoever waits does so for as long as it takes.
  timeout: 180_000,
  expect: { timeout: 30_000 },
  // What fails once is told of as flaky; what fails twice has failed.
  retries: 1,
  workers: 2,
  fullyParallel: false,
  // One of them kills the servers that the others talk to.
  projects: [
    { name: "together", testIgnore: "killing.spec.ts" },
    { name: "alone", testMatch: "killing.spec.ts", dependencies: ["together"] },
  ],
  reporter: [["list"]],
  use: {
    baseURL: BASE_URL,
    launchOptions: { executablePath: browsers.find(existsSync), args: ["--no-sandbox"] },
    locale: "en-GB",
    timezoneId: "UTC",
    contextOptions: { reducedMotion: "reduce" }, // nobody looks at what is still on its way
    trace: "retain-on-failure",
  },
  webServer: process.env.DEXRA_URL
    ? undefined
    : {
        command: ".venv/bin/python -m dexra.launch run",
        cwd: new URL("..", import.meta.url).pathname,
        url: `${BASE_URL}/readyz`,
        timeout: 240_000,
        env: { PORT: port, DEXRA_DATA_DIR: DATA, DEXRA_RATE_LIMITS: "off" },
        gracefulShutdown: { signal: "SIGTERM", timeout: 40_000 },
      },
})
