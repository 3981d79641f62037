/** Prefixes: paths from the root as hexadecimal digits. */
import { idNibbles, nibbleAt } from './leaf.js'
import type { Prefix } from './types.js'

/** Orders a prefix against the beginning of an id. */
export function comparePrefix(prefix: Prefix, id: Uint8Array): number {
  for (let depth = 0; depth < prefix.length; depth++) {
    const order = digitAt(prefix, depth) - nibbleAt(id, depth)
    if (order !== 0) return order
  }
  return 0
}

/** The digit of a prefix at a depth. */
export function digitAt(prefix: Prefix, depth: number): number {
  const code = prefix.charCodeAt(depth)
  return code < 0x3a ? code - 0x30 : code - 0x61 + 10
}

/** Throws a RangeError for what is not a path of at most 32 lower-case hexadecimal digits. */
export function assertPrefix(prefix: Prefix): void {
  if (prefix.length > idNibbles || !/^[0-9a-f]*$/.test(prefix)) throw new RangeError(`not a prefix: '${prefix}'`)
}
