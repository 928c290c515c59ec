/** Nothing is lost or doubled when the server dies. Runs after all others, which need it. */

import { execFileSync } from "node:child_process"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { DATA } from "../playwright.config"
import { expect, test, textsOf } from "./support"

test("a server that is killed costs nothing", async ({ chat, business, inbox }) => {
  test.setTimeout(240_000)
  await chat.open()
  await chat.say("before")
  await expect.poll(() => textsOf(business, inbox)).toEqual(["before"])

  for (const pid of servers()) process.kill(pid, "SIGKILL")
  await chat.say("while it is away")

  await expect
    .poll(() => textsOf(business, inbox).catch(() => []), { timeout: 90_000 })
    .toEqual(["before", "while it is away"])
  await business.answer(inbox, "back again")
  await expect(chat.shows("back again")).toBeVisible({ timeout: 90_000 })
  await expect(chat.shows("while it is away")).toHaveCount(1)
})

/** The processes that answer requests, by what their launcher wrote down. */
function servers(): number[] {
  const launcher = Number(readFileSync(join(DATA, "lock"), "utf8"))
  const lines = execFileSync("ps", ["-eo", "pid=,ppid=,args="], { encoding: "utf8" }).trim().split("\n")
  const all = lines
    .map((line) => line.trim().match(/^(\d+) +(\d+) +(.*)$/)!)
    .map(([, pid, parent, args]) => {
      return { pid: Number(pid), parent: Number(parent), args: args! }
    })
  return all.filter((one) => one.parent == launcher && one.args.includes("dexra.serve")).map((one) => one.pid)
}
