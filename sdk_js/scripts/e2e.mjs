/** Runs the browser tests where there is a browser. */

import { spawnSync } from "node:child_process"
import { existsSync } from "node:fs"
import { fileURLToPath } from "node:url"

process.chdir(fileURLToPath(new URL("..", import.meta.url)))
if (["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].some(existsSync)) {
  const { status } = spawnSync("node_modules/.bin/playwright", ["test", ...process.argv.slice(2)], { stdio: "inherit" })
  process.exitCode = status ?? 1
} else {
  console.warn("There is no Chromium here: the browser tests of the SDK are left out.")
}
