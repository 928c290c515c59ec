/**
 * Writes `src/server/protocol.ts` from the product's OpenAPI document, given as a file: `npm run protocol openapi.json`.
 *
 * Only what a server calls is in it: `/client/v1` takes the token of a session, which no server has.
 */

import { execFileSync } from "node:child_process"
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { fileURLToPath } from "node:url"

const [document, target = "src/server/protocol.ts"] = process.argv.slice(2)
if (!document) throw new Error("Name the OpenAPI document: npm run protocol openapi.json")
const folder = mkdtempSync(join(tmpdir(), "dexra-protocol-"))
const source = join(folder, "openapi.json")
writeFileSync(source, JSON.stringify(forServers(JSON.parse(readFileSync(document, "utf8")))))
const words = [source, "--output", resolve(target), "--alphabetize", "--default-non-nullable", "false"]

process.chdir(fileURLToPath(new URL("../tools/protocol", import.meta.url)))
if (!existsSync("node_modules"))
  execFileSync("npm", ["ci", "--silent", "--no-audit", "--no-fund"], { stdio: "inherit" })
try {
  execFileSync("node_modules/.bin/openapi-typescript", words, { stdio: ["ignore", "inherit", "inherit"] })
} finally {
  rmSync(folder, { recursive: true })
}

/** The document without the paths of others, and without the components that only those name. */
function forServers(whole) {
  const paths = Object.fromEntries(Object.entries(whole.paths).filter(([path]) => path.startsWith("/v1/")))
  const components = {}
  const keep = (part) => {
    for (const [, kind, name] of JSON.stringify(part).matchAll(/"#\/components\/(\w+)\/([^"]+)"/g)) {
      if (components[kind]?.[name]) continue
      components[kind] = { ...components[kind], [name]: whole.components[kind][name] }
      keep(components[kind][name])
    }
  }
  keep([paths, whole.webhooks ?? {}])
  return { ...whole, paths, components }
}
