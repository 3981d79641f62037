/** What a join with a peer's copy may remove: only what the peer was shown, as it was shown. */
import { describe, expect, it } from 'vitest'
import { register } from '../../store/model/address.js'
import { Context } from '../../store/model/context.js'
import { valueHash, versionDigest } from '../../store/model/digest.js'
import { joinVersions, staysAt } from '../../store/model/join.js'
import type { Version } from '../../store/model/update.js'

const address = register('key')
const actor = 'a'.repeat(16)

function versionOf(counter: number, text: string): Version {
  const value = Buffer.from(text)
  const time = { ms: counter, logical: 0 }
  return { dot: { actor, counter }, time, expiresAtMs: null, value, valueHash: valueHash(value) }
}

const shownAs = (version: Version) => ({ ...version.dot, digest: versionDigest(version, address) })

describe('a version that the peer has seen and does not list', () => {
  const mine = versionOf(1, 'mine')
  const seen = Context.of([mine.dot])
  const join = (entry: Parameters<typeof staysAt>[1]) =>
    joinVersions([mine], [], seen, seen, staysAt(address, entry)).versions

  it('goes when the peer was shown it and did not object', () => {
    expect(join({ shown: [shownAs(mine)] })).toEqual([])
    expect(join({})).toEqual([])
  })

  it('stays when it came after the peer was shown the entry', () => {
    expect(join({ shown: [] })).toEqual([mine])
  })

  it('stays when the peer was shown another content under its dot', () => {
    expect(join({ shown: [shownAs(versionOf(1, 'another'))] })).toEqual([mine])
  })

  it('stays when the peer knows another content under its dot', () => {
    expect(join({ shown: [shownAs(mine)], clashes: [mine.dot] })).toEqual([mine])
  })
})
