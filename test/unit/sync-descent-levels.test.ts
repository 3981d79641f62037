/** Levels of a descent: places with somewhat more entries than most are listed with the others of their depth. */
import { describe, expect, it } from 'vitest'
import { Asked, Comparison } from '../../protocols/sync/core/compare.js'
import { listingAim } from '../../protocols/sync/limits.js'
import { saltedBelow } from '../../store/merkle/salted.js'
import { Trie } from '../../store/merkle/trie.js'
import { sha256 } from '../../store/model/digest.js'

const salt = Buffer.alloc(16, 1)
const limits = {
  helloListingAim: 256,
  listingAim,
  messageEntriesAim: 256,
  entryVersionsAim: 1_024,
  entryVersionsMax: 131_072,
}

function trieOf(entries: number): Trie {
  const trie = new Trie()
  const bytes = (text: string) => sha256(Buffer.from(text)).subarray(0, 16)
  for (let at = 0; at < entries; at++) {
    trie.set(bytes(`id ${at}`), bytes(`digest ${at}`), { actor: 'aaaaaaaaaaaaaaaa', counter: at + 1 })
  }
  return trie
}

/** The nodes of depth 2 that answer a peer of which everything differs. */
function answersAtDepth2(trie: Trie) {
  const comparison = new Comparison({ trie } as never, salt, limits)
  return Array.from('0123456789abcdef', (prefix) => {
    const digests = Buffer.from(saltedBelow(trie, prefix, salt)).map((byte) => byte ^ 0xff)
    const steps = comparison.block({ prefix, node: { kind: 'digests', digests } }, new Asked())
    for (let step = steps.next(); ; step = steps.next()) if (step.done) return step.value.nodes
  }).flat()
}

describe('a level of a descent', () => {
  it('is listed as a whole where its places hold few entries on average', () => {
    const trie = trieOf(25 * 256)
    const nodes = answersAtDepth2(trie)
    const counts = nodes.map(({ digests }) => digests.length / 8)
    expect(nodes.every(({ kind }) => kind === 'listing')).toBe(true)
    // Some do hold more than a leaf.
    expect(Math.max(...counts)).toBeGreaterThan(listingAim)
  })

  it('is divided where they hold more, but for the small ones', () => {
    const nodes = answersAtDepth2(trieOf(40 * 256))
    for (const { kind, digests } of nodes)
      if (kind === 'listing') expect(digests.length / 8).toBeLessThanOrEqual(listingAim)
    expect(nodes.filter(({ kind }) => kind === 'digests').length).toBeGreaterThan(128)
  })
})
