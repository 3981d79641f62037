/** The simulator's oracle, on runs that live in two memories: what it must find, and what it must let be. */
import { describe, expect, it } from 'vitest'
import { register } from '../../store/model/address.js'
import { valueHash, versionDigest } from '../../store/model/digest.js'
import { type Dot, dotText } from '../../store/model/dot.js'
import { reissueDot } from '../../store/model/reissue.js'
import type { Version } from '../../store/model/update.js'
import { encodeVersions, entryKey } from '../../store/rows/entries.js'
import { storedText } from '../sim/forks.js'
import type { Known } from '../sim/issues.js'
import { Mirror } from '../sim/mirror.js'
import { Oracle } from '../sim/oracle.js'

const run = 'a'.repeat(16)
const dot = (counter: number, actor = run): Dot => ({ actor, counter })

function version(at: Dot, value: string, ms: number): Version {
  const bytes = Buffer.from(value)
  return { dot: at, value: bytes, valueHash: valueHash(bytes), time: { ms, logical: 0 }, expiresAtMs: null }
}

/** An oracle with a run that lives in two memories from its first update on, and a disk. */
function stage() {
  const oracle = new Oracle({ logMayForget: false })
  const mirror = new Mirror()
  const disk = { name: 'disk', mirror, isDoubtful: false, wasDamaged: false }
  oracle.issues.forked(run, 0, [disk])
  const put = (key: string, stored: Version, issuer: string, over: readonly Version[] = []): Known => {
    const known = oracle.issued({
      dot: stored.dot,
      address: register(key),
      kind: 'put',
      hash: stored.valueHash,
      stored,
      expiresAtMs: null,
      supersedes: over.map((one) => one.dot),
      view: new Map(over.map((one) => [dotText(one.dot), storedText(one)])),
      issuer,
    })
    known.isAcknowledged = true
    return known
  }
  const show = (key: string, ...versions: Version[]) => {
    const row = entryKey(register(key))
    mirror.apply([{ key: row, value: versions.length === 0 ? null : encodeVersions(row, versions) }])
    for (const one of versions) mirror.seen.add(one.dot)
  }
  return { oracle, mirror, disk, put, show }
}

describe('the oracle', () => {
  it('does not judge what lost its digest to damage, and counts it', () => {
    const { oracle, disk, put, show } = stage()
    put('k', version(dot(1), 'one', 10), 'ann')
    put('l', version(dot(1), 'two', 20), 'amy')
    put('m', version(dot(2), 'three', 30), 'amy')
    show('k', version(dot(1), 'one', 10))
    show('m', version(dot(2), 'three', 30))
    oracle.issues.digestsTaken.add(dotText(dot(2)))
    expect(() => oracle.rest.entries(disk)).toThrow('lost: disk lacks aaaa:1 of amy at reg l')
    oracle.issues.digestsTaken.add(dotText(dot(1)))
    expect(() => oracle.rest.entries(disk)).not.toThrow()
    expect(oracle.rest.windows).toBe(1)
  })

  it('asks for both of two updates under one dot', () => {
    const { oracle, disk, put, show } = stage()
    const [one, two] = [version(dot(1), 'one', 10), version(dot(1), 'two', 20)]
    put('k', one, 'ann')
    put('l', two, 'amy')
    show('k', one)
    expect(() => oracle.rest.entries(disk)).toThrow('lost: disk lacks aaaa:1 of amy at reg l')
    show('l', two)
    expect(() => oracle.rest.entries(disk)).not.toThrow()
  })

  it('takes a dot that was given out twice for a fault where nobody copied the run', () => {
    const { put } = stage()
    put('k', version(dot(1, 'b'.repeat(16)), 'one', 10), 'ann')
    expect(() => put('k', version(dot(1, 'b'.repeat(16)), 'two', 20), 'ann')).toThrow('dot-reused')
  })

  it('takes what was superseded with these bytes in view for gone, and the other update of the dot for live', () => {
    const { oracle, disk, put, show } = stage()
    const [one, two] = [version(dot(1), 'one', 10), version(dot(1), 'two', 20)]
    const over = version(dot(1, 'b'.repeat(16)), 'over', 30)
    put('k', one, 'ann')
    put('k', two, 'amy')
    put('k', over, 'bob', [one])
    show('k', one, over)
    disk.mirror.applied.add(over.dot)
    expect(() => oracle.rest.entries(disk)).toThrow('revived: disk shows aaaa:1 of ann at reg k')
    show('k', over)
    expect(() => oracle.rest.entries(disk)).toThrow('lost: disk lacks aaaa:1 of amy at reg k')
    show('k', two, over)
    expect(() => oracle.rest.entries(disk)).not.toThrow()
  })

  it('tells equal bytes under one dot apart by their times', () => {
    const { oracle, disk, put, show } = stage()
    const [one, two] = [version(dot(1), 'same', 10), version(dot(1), 'same', 20)]
    const over = version(dot(1, 'b'.repeat(16)), 'over', 30)
    put('k', one, 'ann')
    put('k', two, 'amy')
    put('k', over, 'bob', [one])
    disk.mirror.applied.add(over.dot)
    disk.mirror.seen.add(one.dot)
    show('k', two, over)
    expect(() => oracle.rest.entries(disk)).not.toThrow()
  })

  it('takes a reissue for the write that it renames, under that one name alone', () => {
    const { oracle, disk, put, show } = stage()
    const one = version(dot(1), 'one', 10)
    const name = reissueDot(one.dot, versionDigest(one, register('k')))
    put('k', one, 'ann')
    show('k', { ...one, dot: name })
    expect(() => oracle.rest.entries(disk)).toThrow('invented')
    const known = oracle.issues.latest(one.dot)!
    oracle.issued({ ...known, dot: name, stored: { ...one }, reissueOf: known, view: new Map(), supersedes: [one.dot] })
    expect(() => oracle.rest.entries(disk)).not.toThrow()
  })
})
