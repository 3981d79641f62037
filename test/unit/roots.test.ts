/** What decides roots is one version of the protocol: neither changes without the other. */
import { describe, expect, it } from 'vitest'
import { syncProtocol, syncVersion } from '../../protocols/sync/limits.js'
import { saltedDigests } from '../../store/merkle/salted.js'
import { Trie } from '../../store/merkle/trie.js'
import { register } from '../../store/model/address.js'
import { addressId, entryDigest, updateDigest, valueHash } from '../../store/model/digest.js'
import * as roots from '../../store/model/roots.js'
import type { Update } from '../../store/model/update.js'

/**
 * A version's sizes, and the digests that they lead to. A row is never changed: a change of anything in it is the row
 * of a new version, and takes the place of this one.
 */
const versions: Readonly<Record<number, unknown>> = {
  2: {
    digestBytes: 16,
    idBytes: 16,
    contentDigestBytes: 8,
    saltedDigestBytes: 8,
    leafEntriesMax: 32,
    fanout: 16,
    root: '72369d04ef04c8165f21e0bc303c794f',
    salted: '7a8b88b40299c9e3',
    content: '94481bae5df3c4e1',
  },
}

const dot = { actor: '0123456789abcdef', counter: 300 }
const put: Update = {
  dot,
  address: register('k'),
  kind: 'put',
  time: { ms: 1, logical: 2 },
  expiresAtMs: null,
  value: Buffer.from('v'),
  supersedes: [],
}

/** A tree of three levels, with leaves that are full and leaves that are not. */
function rootOf(entries: number): Buffer {
  const trie = new Trie()
  for (let at = 0; at < entries; at++) {
    const id = addressId(register(`key-${at}`))
    const value = Buffer.from(`${at}`)
    const version = { dot, time: put.time, expiresAtMs: at % 2 === 0 ? null : at, value, valueHash: valueHash(value) }
    trie.set(id, entryDigest(id, [version]), dot)
  }
  return Buffer.from(trie.root())
}

describe('what decides roots', () => {
  it('is what the version of the protocol says', () => {
    const { rootsVersion, ...sizes } = roots
    const root = rootOf(2_000)
    expect({
      ...sizes,
      root: root.toString('hex'),
      salted: saltedDigests(Buffer.alloc(16, 5), root).toString('hex'),
      content: updateDigest(put),
    }).toEqual(versions[rootsVersion])
  })

  it('is in the id of the protocol that compares roots, and in its first message', () => {
    expect(syncVersion).toBe(roots.rootsVersion)
    expect(syncProtocol.id).toBe(`/hearsay/sync/${roots.rootsVersion}`)
  })

  it('stands in the one row of its version', () => {
    expect(Object.keys(versions)).toEqual([`${roots.rootsVersion}`])
  })
})
