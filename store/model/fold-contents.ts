/**
 * Folds of counters as they were read: they are large, seldom change, and are needed with each read and increment. So
 * what one holds is remembered by the hash of its bytes, within a bound; the same bytes give the same content.
 */
import { chainText, type Reach } from './counter-paths.js'
import { decodeOrNothing } from './counter-values.js'
import { foldChainsKeptMax } from './limits.js'
import type { Version } from './update.js'

/** Content of one fold. */
export interface FoldContent {
  /** Each chain by its text. */
  readonly reaches: ReadonlyMap<string, Reach>
  readonly sum: bigint
  /** Folds that are known to share no chain with it. */
  readonly apart: WeakSet<FoldContent>
}

const kept = new Map<string, FoldContent>()
let chainsKept = 0

/** Content of a fold's version; undefined for one that cannot be read, or that names a chain twice. */
export function foldContent({ value, valueHash }: Version): FoldContent | undefined {
  const name = Buffer.from(valueHash).toString('latin1')
  const known = kept.get(name)
  if (known !== undefined) return known
  const content = contentOf(value)
  if (content !== undefined) keep(name, content)
  return content
}

/** Chains that two folds share. */
export function sharedChains(one: FoldContent, two: FoldContent): readonly string[] {
  if (one.apart.has(two)) return []
  const shared = [...one.reaches.keys()].filter((text) => two.reaches.has(text))
  if (shared.length === 0) one.apart.add(two)
  return shared
}

function contentOf(value: Uint8Array): FoldContent | undefined {
  const counter = decodeOrNothing(value)
  if (counter?.kind !== 'folded') return undefined
  const reaches = new Map(counter.reaches.map((reach) => [chainText(reach), reach]))
  if (reaches.size < counter.reaches.length) return undefined
  const sum = counter.reaches.reduce((all, { total }) => all + BigInt(total), 0n)
  return { reaches, sum, apart: new WeakSet() }
}

/** The oldest go first; one that is larger than the bound is not kept. */
function keep(name: string, content: FoldContent): void {
  if (content.reaches.size > foldChainsKeptMax) return
  kept.set(name, content)
  chainsKept += content.reaches.size
  for (const [oldest, { reaches }] of kept) {
    if (chainsKept <= foldChainsKeptMax) return
    kept.delete(oldest)
    chainsKept -= reaches.size
  }
}
