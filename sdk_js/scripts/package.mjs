/** Packs what npm would publish, installs it in an empty folder, looks at it as its users' tools do and builds the examples on it. */

import { execFileSync } from "node:child_process"
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { checkExamples } from "./examples.mjs"

process.chdir(fileURLToPath(new URL("..", import.meta.url)))
const folder = mkdtempSync(join(tmpdir(), "dexra-package-"))
// As if nobody had started us by npm: what it was told is not what a user tells it.
const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^npm_/i.test(name)))
const run = (command, words, cwd = ".") =>
  execFileSync(command, words, { cwd, env, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] })

function expect(isSo, what) {
  if (!isSo) throw new Error(`Not so: ${what}`)
  console.log(`ok: ${what}`)
}

try {
  run("npm", ["pack", "--ignore-scripts", "--pack-destination", folder])
  const packed = readdirSync(folder).find((name) => name.endsWith(".tgz"))
  writeFileSync(join(folder, "package.json"), '{ "name": "empty", "private": true }\n')
  const said = run("npm", ["install", "--no-audit", "--no-fund", "--offline", `./${packed}`], folder)
  expect(/^added 1 package in/m.test(said), `npm says "${said.trim().split("\n").at(-1)}"`)

  const names = ["", "/compat", "/server", "/locales/fr", "/locales/ar"].map((entry) => `@dexra/sdk${entry}`)
  for (const name of names) {
    run("node", ["--input-type=module", "-e", `await import("${name}")`], folder)
    run("node", ["-e", `require("${name}")`], folder)
    expect(true, `${name} is imported and required where there is no window`)
  }

  run("node_modules/.bin/publint", ["--strict", join(folder, packed)])
  expect(true, "publint finds nothing")
  run("node_modules/.bin/attw", [join(folder, packed), "--profile", "node16", "--exclude-entrypoints", "styles.css"])
  expect(true, "the types resolve from CommonJS, modules and bundlers")

  await checkExamples(folder, run, expect)
} catch (failure) {
  console.error(failure.stdout ?? "", failure.stderr ?? "", failure.message)
  process.exitCode = 1
} finally {
  rmSync(folder, { recursive: true, force: true })
}
