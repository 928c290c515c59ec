/** What a page pays: prints the gzip size of each part, writes it into the README, and with --check fails over budget. */

import { readdirSync, readFileSync, writeFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { gzipSync } from "node:zlib"
import { build } from "esbuild"
import { minify } from "terser"

process.chdir(fileURLToPath(new URL("..", import.meta.url)))

const KIB = 1024
const { script, loader } = JSON.parse(readFileSync("build/manifest.json", "utf8"))
const everything = ["index", "react", "compat", "locales/fr", "locales/ar"]
const whole = { isWhole: true }
const rows = [
  ["core: `@dexra/sdk`, with the page", 8, await bundled(["index"])],
  ["the same with what follows at its first connection and file", null, await bundled(["index"], whole)],
  ["React chat with the whole core: `@dexra/sdk/react`", 22, await bundled(["react"], whole)],
  ["everything: core, React, `SBUser`, both locales", 34, await bundled(everything, whole)],
  ["script for any page, Preact and styles inside", 42, script.gzip],
  ["`loader.js`", 2, loader.gzip],
  ["`styles.css`", 6, gzip(readFileSync("dist/styles.css"))],
  ["a locale, the larger one", 1.5, Math.max(await bundled(["locales/fr"]), await bundled(["locales/ar"]))],
]

function gzip(content) {
  return gzipSync(content, { level: 9 }).length
}

/** What a bundler makes of entries of the package; `isWhole`: and of what they import later. */
async function bundled(entries, { isWhole = false } = {}) {
  const parts = readdirSync("dist/chunks").filter((name) => isWhole && !name.startsWith("chunk-"))
  const files = [...entries.map((name) => `${name}.js`), ...parts.map((name) => `chunks/${name}`)]
  const contents = files.map((name) => `export * from "./dist/${name}"`).join("\n")
  const later = {
    name: "later",
    setup: (builder) =>
      builder.onResolve({ filter: /./ }, ({ kind }) =>
        kind == "dynamic-import" ? { path: "later", external: true } : null,
      ),
  }
  const made = await build({
    stdin: { contents, resolveDir: ".", loader: "js" },
    bundle: true,
    format: "esm",
    target: "es2020",
    external: ["react", "react-dom", "react/jsx-runtime"],
    plugins: [later],
    write: false,
    logLevel: "error",
  })
  const { code } = await minify(made.outputFiles[0].text, {
    ecma: 2020,
    module: true,
    compress: { passes: 3, pure_getters: true },
  })
  return gzip(code)
}

const shown = (bytes) => `${(bytes / KIB).toFixed(1)} KB`
const table = [
  "| part | gzip | budget |",
  "| --- | --- | --- |",
  ...rows.map(([part, budget, bytes]) => `| ${part} | ${shown(bytes)} | ${budget ? `${budget} KB` : ""} |`),
].join("\n")
console.log(table)

if (process.argv.includes("--write")) {
  const readme = readFileSync("README.md", "utf8")
  const marked = /(<!-- sizes -->)[\s\S]*(<!-- \/sizes -->)/
  writeFileSync("README.md", readme.replace(marked, `$1\n\n${table}\n\n$2`))
}
if (process.argv.includes("--check")) {
  const over = rows.filter(([, budget, bytes]) => budget && bytes > budget * KIB)
  for (const [part, budget, bytes] of over) console.error(`${part} is ${shown(bytes)}; it may be ${budget} KB.`)
  process.exitCode = over.length ? 1 : 0
}
