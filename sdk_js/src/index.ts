/** `@dexra/sdk`: the client without a framework. */

export { createDexra } from "./client"
export type { DexraClient } from "./client"
export { DexraError } from "./errors"
export type * from "./types"
