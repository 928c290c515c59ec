/** Builds the package into `dist/` and the script for any page into `build/`. */

import { execFileSync } from "node:child_process"
import { createHash } from "node:crypto"
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { brotliCompressSync, gzipSync } from "node:zlib"
import { build } from "esbuild"
import { minify } from "terser"

process.chdir(fileURLToPath(new URL("..", import.meta.url)))
const { version } = JSON.parse(readFileSync("package.json", "utf8"))

const ENTRIES = {
  index: "src/index.ts",
  react: "src/react/index.ts",
  compat: "src/compat/index.ts",
  server: "src/server/index.ts",
  "locales/fr": "src/locales/fr.ts",
  "locales/ar": "src/locales/ar.ts",
}
const COMMON = {
  bundle: true,
  write: false,
  target: "es2020",
  jsx: "automatic",
  legalComments: "none",
  logLevel: "warning",
  define: { __VERSION__: JSON.stringify(version) },
}
const EXTERNAL = ["react", "react-dom", "react/jsx-runtime", "node:crypto"]

/** What `npm install` brings: modules, CommonJS beside them, types for both, one style sheet. */
async function buildPackage() {
  rmSync("dist", { recursive: true, force: true })
  const shared = { ...COMMON, entryPoints: ENTRIES, external: EXTERNAL }
  await written(
    build({ ...shared, format: "esm", splitting: true, outdir: "dist", chunkNames: "chunks/[name]-[hash]" }),
  )
  await written(build({ ...shared, format: "cjs", outdir: "dist/cjs" }))
  writeFileSync("dist/styles.css", await style())
  // TypeScript asks for the types of everything that is imported.
  writeFileSync("dist/styles.d.ts", "export {}\n")
  writeTypes()
}

async function written(building) {
  for (const { path, text } of (await building).outputFiles) {
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, await small(text, path.includes("/cjs/") ? {} : { module: true }))
  }
}

/** A twentieth smaller than what esbuild makes of it. "use client" has to stay. */
async function small(code, options = {}) {
  const compress = { passes: 3, unsafe_arrows: true, pure_getters: true, keep_fargs: false, directives: false }
  const made = await minify(code, { ecma: 2020, toplevel: true, compress, mangle: true, ...options })
  return made.code
}

/** The parts of the style sheet in one, without what browsers of before 2023 do not read. */
async function style() {
  const target = ["chrome90", "edge90", "firefox90", "safari14.1"]
  const made = await build({ ...COMMON, entryPoints: ["src/styles/dexra.css"], minify: true, target })
  return made.outputFiles[0].text
}

/** The same declarations twice: TypeScript reads a file as a module or as CommonJS by the package.json above it. */
function writeTypes() {
  execFileSync("node_modules/.bin/tsc", ["-p", "tsconfig.build.json", "--outDir", "dist/types"], { stdio: "inherit" })
  for (const file of readdirSync("dist/types", { recursive: true })) {
    if (file.endsWith(".d.ts")) nameFiles(join("dist/types", file))
  }
  cpSync("dist/types", "dist/cjs/types", { recursive: true })
  for (const folder of ["dist", "dist/cjs"]) {
    for (const [name, source] of Object.entries(ENTRIES)) {
      const up = "../".repeat(name.split("/").length - 1) || "./"
      const target = `${up}types/${source.slice("src/".length).replace(/\.ts$/, ".js")}`
      mkdirSync(dirname(join(folder, name)), { recursive: true })
      writeFileSync(join(folder, `${name}.d.ts`), `export * from "${target}"\n`)
    }
  }
  writeFileSync("dist/cjs/package.json", '{ "type": "commonjs" }\n')
}

/** Node's rules want whole file names where a bundler finds `./store` by itself. Throws where a type came out as `any`. */
function nameFiles(path) {
  const isFile = (name) => existsSync(join(dirname(path), `${name}.d.ts`))
  const text = readFileSync(path, "utf8").replace(
    /((?:from |import\())"(\.{1,2}(?:\/[^"]*?)?)"/g,
    (_, word, name) => `${word}"${name}${isFile(name) ? "" : "/index"}.js"`,
  )
  if (text.includes("/*elided*/")) throw new Error(`A type in ${path} cannot be written down: give it a name.`)
  writeFileSync(path, text)
}

/** The components on Preact with their style, in one file named by its content; and the loader that knows its hash. */
async function buildScript() {
  rmSync("build", { recursive: true, force: true })
  mkdirSync("build", { recursive: true })
  const alias = {
    react: "preact/compat",
    "react-dom": "preact/compat",
    "react-dom/client": "preact/compat/client",
    "react/jsx-runtime": "preact/jsx-runtime",
  }
  const script = await bundle({ entryPoints: ["src/script/main.tsx"], alias, plugins: [styleText] })
  const file = `dexra.${createHash("sha256").update(script).digest("hex").slice(0, 16)}.js`
  const integrity = `sha384-${createHash("sha384").update(script).digest("base64")}`
  const define = { ...COMMON.define, __FILE__: JSON.stringify(file), __INTEGRITY__: JSON.stringify(integrity) }
  const loader = await bundle({ entryPoints: ["src/script/loader.ts"], define })
  writeFileSync(join("build", file), script)
  writeFileSync(join("build", `${file}.br`), brotliCompressSync(script))
  writeFileSync(join("build", "loader.js"), loader)
  const sized = (content) => ({ bytes: content.length, gzip: gzipSync(content, { level: 9 }).length })
  const manifest = {
    version,
    script: { file, integrity, ...sized(script) },
    loader: { file: "loader.js", ...sized(loader) },
  }
  // The manifest comes last: whoever serves a build begins when it is there.
  writeFileSync("build/manifest.json", `${JSON.stringify(manifest, null, 2)}\n`)
}

async function bundle(options) {
  const made = await build({ ...COMMON, format: "iife", ...options })
  return Buffer.from(await small(made.outputFiles[0].text))
}

/** `import css from "…/dexra.css"` is the style sheet's text, minified. */
const styleText = {
  name: "style-text",
  setup(builder) {
    builder.onLoad({ filter: /\.css$/ }, async () => ({ contents: await style(), loader: "text" }))
  },
}

const only = process.argv[2]
if (only !== "script") await buildPackage()
if (only !== "package") await buildScript()
