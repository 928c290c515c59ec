/** What a page pays: prints the gzip size of each part, writes it into the README, and with --check fails over budget. */

import { readFileSync, writeFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { gzipSync } from "node:zlib"
import { build } from "esbuild"

process.chdir(fileURLToPath(new URL("..", import.meta.url)))

const KIB = 1024
const { script, loader } = JSON.parse(readFileSync("build/manifest.json", "utf8"))
const rows = [
  ["core: `@dexra/sdk`", 8, await bundled(`export * from "./dist/index.js"`)],
  ["React chat with the core: `@dexra/sdk/react`", 22, await bundled(`export * from "./dist/react.js"`)],
  [
    "everything: core, React, both locales",
    34,
    await bundled(
      ["index", "react", "locales/fr", "locales/ar"].map((name) => `export * from "./dist/${name}.js"`).join("\n"),
    ),
  ],
  ["script for any page, Preact and styles inside", 42, script.gzip],
  ["`loader.js`", 2, loader.gzip],
  ["`styles.css`", 6, gzipSync(readFileSync("dist/styles.css"), { level: 9 }).length],
  [
    "a locale, the larger one",
    1.5,
    Math.max(
      await bundled(`export * from "./dist/locales/fr.js"`),
      await bundled(`export * from "./dist/locales/ar.js"`),
    ),
  ],
]

async function bundled(contents) {
  const made = await build({
    stdin: { contents, resolveDir: ".", loader: "js" },
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2020",
    external: ["react", "react-dom", "react/jsx-runtime"],
    write: false,
    logLevel: "error",
  })
  return gzipSync(made.outputFiles[0].contents, { level: 9 }).length
}

const shown = (bytes) => `${(bytes / KIB).toFixed(1)} KB`
const table = [
  "| part | gzip | budget |",
  "| --- | --- | --- |",
  ...rows.map(([part, budget, bytes]) => `| ${part} | ${shown(bytes)} | ${budget} KB |`),
].join("\n")
console.log(table)

if (process.argv.includes("--write")) {
  const readme = readFileSync("README.md", "utf8")
  const marked = /(<!-- sizes -->\n)[\s\S]*(\n<!-- \/sizes -->)/
  writeFileSync("README.md", readme.replace(marked, `$1${table}$2`))
}
if (process.argv.includes("--check")) {
  const over = rows.filter(([, budget, bytes]) => bytes > budget * KIB)
  for (const [part, budget, bytes] of over) console.error(`${part} is ${shown(bytes)}; it may be ${budget} KB.`)
  process.exitCode = over.length ? 1 : 0
}
