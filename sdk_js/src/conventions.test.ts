// @vitest-environment node
/** What no reviewer should have to look for. */

import { readdirSync, readFileSync } from "node:fs"
import { build } from "esbuild"
import { describe, expect, it } from "vitest"

/** Everything an entry brings with it: our files, and what it asks others for. */
async function broughtBy(entry: string): Promise<string[]> {
  const { metafile } = await build({
    entryPoints: [`src/${entry}`],
    bundle: true,
    packages: "external",
    format: "esm",
    splitting: true,
    outdir: "nowhere",
    write: false,
    metafile: true,
  })
  const outside = Object.values(metafile.inputs).flatMap(({ imports }) => imports.filter(({ external }) => external))
  return [...Object.keys(metafile.inputs), ...outside.map(({ path }) => path)]
}

describe("what brings what", () => {
  it.each(["index.ts", "compat/index.ts", "locales/fr.ts", "locales/ar.ts", "script/loader.ts"])(
    "%s brings neither React nor our components, nor anything else from outside",
    async (entry) => {
      const brought = await broughtBy(entry)

      expect(brought).toContain(`src/${entry}`)
      expect(brought.filter((path) => !path.startsWith("src/") || path.startsWith("src/react/"))).toEqual([])
    },
  )

  it("the components bring React and nothing else from outside", async () => {
    const brought = await broughtBy("react/index.ts")

    expect([...new Set(brought.filter((path) => !path.startsWith("src/")))].sort()).toEqual([
      "react",
      "react-dom",
      "react/jsx-runtime",
    ])
  })

  it("what servers use brings node:crypto and nothing else from outside", async () => {
    const brought = await broughtBy("server/index.ts")

    expect([...new Set(brought.filter((path) => !path.startsWith("src/")))]).toEqual(["node:crypto"])
  })
})

describe("the style sheet", () => {
  const PARTS = readdirSync("src/styles").filter((name) => name != "dexra.css")
  const textOf = (name: string) => readFileSync(`src/styles/${name}`, "utf8")
  const SIDES =
    /(?<![\w-])((margin|padding|border|scroll-margin|scroll-padding)-(left|right)|border-(top|bottom)-(left|right)-radius|left|right)\s*:|(text-align|float|clear)\s*:\s*(left|right)/g

  it("is put together of every part, each once", () => {
    const named = [...textOf("dexra.css").matchAll(/^@import "\.\/(.+)" layer\(dexra\);$/gm)].map(([, name]) => name)

    expect(named.sort()).toEqual(PARTS.sort())
  })

  it("says start and end, and never left or right", () => {
    const found = PARTS.flatMap(
      (name) =>
        textOf(name)
          .replace(/\/\*[\s\S]*?\*\//g, "")
          .match(SIDES) ?? [],
    )

    expect("margin-left: 1px; text-align: right; right:0".match(SIDES)).toHaveLength(3)
    expect(found).toEqual([])
  })
})
