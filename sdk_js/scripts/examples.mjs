/** Builds the examples as their readers do, on the package as npm installed it, and looks at what comes out. */

import { spawn } from "node:child_process"
import { cpSync, mkdirSync, readFileSync, readdirSync, symlinkSync } from "node:fs"
import { createServer } from "node:net"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"

const EXAMPLES = fileURLToPath(new URL("../../examples", import.meta.url))
const OURS = fileURLToPath(new URL("../node_modules", import.meta.url))
const MADE = /[/\\](node_modules|dist|built)$/
const PATIENCE = 60_000

/** `folder` has the package in its `node_modules`; `run` and `expect` throw where something is not as it should be. */
export async function checkExamples(folder, run, expect) {
  const app = prepared("react-vite", folder)
  run("npm", ["run", "build"], app)
  const assets = readdirSync(join(app, "dist/assets")).map((name) =>
    readFileSync(join(app, "dist/assets", name), "utf8"),
  )
  expect(assets.join("").includes("dx-launch{"), "the example react-vite checks and builds, with our styles")
  expect(assets.join("").includes("/client/v1"), "and with our client")

  const site = prepared("server-rendering", folder)
  run("npm", ["run", "build"], site)
  const answers = await served(site, ["/", "/browser.js", "/browser.css", "/dexra-token"])
  const [page, script, style, token] = answers
  expect(page.includes('class="dx-chat"') && page.includes("How can we help?"), "server-rendering draws the chat")
  expect(script.includes("/client/v1") && style.includes("@layer dexra"), "and brings its script and our styles")
  expect(/^(\w|-)+\.(\w|-)+\.(\w|-)+$/.test(token), "and signs who its user is")
}

/** Copy an example beside the package, with what it names of ours under the versions it names. */
function prepared(name, folder) {
  const place = join(folder, name)
  cpSync(join(EXAMPLES, name), place, { recursive: true, filter: (path) => !MADE.test(path) })
  const { dependencies, devDependencies } = JSON.parse(readFileSync(join(place, "package.json"), "utf8"))
  for (const [wanted, version] of Object.entries({ ...dependencies, ...devDependencies })) {
    const there = join(place, "node_modules", wanted)
    mkdirSync(dirname(there), { recursive: true })
    if (wanted == "@dexra/sdk") cpSync(join(folder, "node_modules", wanted), there, { recursive: true })
    else lend(wanted, version, there)
  }
  symlinkSync(join(OURS, ".bin"), join(place, "node_modules/.bin"))
  return place
}

function lend(name, version, there) {
  const found = JSON.parse(readFileSync(join(OURS, name, "package.json"), "utf8")).version
  if (found != version) throw new Error(`An example names ${name} ${version}; the SDK is tested with ${found}.`)
  symlinkSync(join(OURS, name), there)
}

/** What the server of an example answers to each path. */
async function served(place, paths) {
  const port = await freePort()
  const env = { ...process.env, PORT: String(port), DEXRA_INBOX: "inbox1", DEXRA_HMAC_TOKEN: "a secret" }
  const server = spawn("node", ["built/server.js"], { cwd: place, env, stdio: ["ignore", "pipe", "inherit"] })
  try {
    await new Promise((ready, fail) => {
      server.stdout.once("data", ready)
      server.once("exit", (code) => fail(new Error(`The example's server ended with ${code}.`)))
      setTimeout(() => fail(new Error("The example's server does not begin.")), PATIENCE).unref()
    })
    const answers = await Promise.all(paths.map((path) => fetch(`http://127.0.0.1:${port}${path}`)))
    const bad = answers.find(({ ok }) => !ok)
    if (bad) throw new Error(`The example's server answers ${bad.status} at ${bad.url}.`)
    return await Promise.all(answers.map((answer) => answer.text()))
  } finally {
    server.kill()
  }
}

function freePort() {
  return new Promise((found) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address()
      server.close(() => found(port))
    })
  })
}
