/** The marks of live versions that say everything in their key: deadlines, and baselines of counters. */
import { rowPrefixes } from '../keyspace.js'
import type { Dot } from '../model/dot.js'
import { dotKey, dotOfKey } from './dots.js'
import { numberBytes, numbered } from './keys.js'

/** The key of the row that says when a live version expires. */
export function deadlineKey(expiresAtMs: number, dot: Dot): Buffer {
  return Buffer.concat([numbered('deadline', expiresAtMs), dotKey(dot).subarray(1)])
}

/** The dot of a deadline row's key. */
export function deadlineDot(key: Uint8Array): Dot {
  return dotOfKey(key.subarray(numberBytes))
}

/** The end of the deadlines up to a moment, included. */
export function deadlinesUntil(nowMs: number): Buffer {
  return numbered('deadline', nowMs + 1)
}

/** The key of the row that marks a live baseline of a counter. */
export function baselineKey(dot: Dot): Buffer {
  const key = dotKey(dot)
  key[0] = rowPrefixes.baseline.charCodeAt(0)
  return key
}
