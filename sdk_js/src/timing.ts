/** When to try again. */

const SHORTEST = 500
const LONGEST = 30_000

/** Milliseconds before the next attempt after `failures` in a row: anywhere up to a bound that doubles. */
export function backoff(failures: number): number {
  return Math.random() * Math.min(LONGEST, SHORTEST * 2 ** failures)
}

export function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds))
}
