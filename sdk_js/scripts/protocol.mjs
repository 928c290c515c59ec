/** Writes `src/server/protocol.ts` from the product's OpenAPI document, given as a file: `npm run protocol openapi.json`. */

import { execFileSync } from "node:child_process"
import { existsSync } from "node:fs"
import { resolve } from "node:path"
import { fileURLToPath } from "node:url"

const [document, target = "src/server/protocol.ts"] = process.argv.slice(2)
if (!document) throw new Error("Name the OpenAPI document: npm run protocol openapi.json")
const paths = [resolve(document), "--output", resolve(target), "--alphabetize", "--default-non-nullable", "false"]

process.chdir(fileURLToPath(new URL("../tools/protocol", import.meta.url)))
if (!existsSync("node_modules"))
  execFileSync("npm", ["ci", "--silent", "--no-audit", "--no-fund"], { stdio: "inherit" })
execFileSync("node_modules/.bin/openapi-typescript", paths, { stdio: ["ignore", "inherit", "inherit"] })
