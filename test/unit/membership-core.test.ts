/** The pure parts of membership: records, the directory, acknowledgements and relays, clocks, what heartbeats say. */
import { describe, expect, it } from 'vitest'
import { AckTable } from '../../protocols/membership/core/acks.js'
import { ChangeLog } from '../../protocols/membership/core/changes.js'
import { ClockSamples, sample } from '../../protocols/membership/core/clock.js'
import { contextsDigest, listDigest } from '../../protocols/membership/core/digest.js'
import { Directory } from '../../protocols/membership/core/directory.js'
import {
  decodeForgotten,
  decodeRecord,
  encodeForgotten,
  encodeRecord,
  memberTag,
  mergeForgotten,
  mergeRecords,
} from '../../protocols/membership/core/record.js'
import { type Relayable, RelayWriter } from '../../protocols/membership/core/relays.js'
import { differingPrefixes } from '../../protocols/membership/core/rules.js'
import {
  addressBytesMax,
  addressesAim,
  addressesMax,
  nameBytesMax,
  peerBytesMax,
  recordBytesMax,
  rulePrefixBytesMax,
  rulesMax,
} from '../../protocols/membership/limits.js'
import { LocalState } from '../../protocols/membership/local-state.js'
import { majority } from '../../protocols/membership/quorum.js'
import type { Environment } from '../../store/environment.js'
import { DecodeError } from '../../store/model/bytes.js'
import { median } from '../../store/model/clock.js'
import { Context } from '../../store/model/context.js'
import { valueHash } from '../../store/model/digest.js'
import type { Version } from '../../store/model/update.js'

const actor = '0102030405060708'
const other = '1112131415161718'
const member = 'aaaaaaaaaaaaaaaa'

const upTo = (last: number, of = actor) => new Context(new Map([[of, [1, last]]]))

function version(value: Uint8Array, ms: number, counter = 1): Version {
  return { dot: { actor, counter }, time: { ms, logical: 0 }, expiresAtMs: null, value, valueHash: valueHash(value) }
}

const record = (name: string, addresses: string[] = [], peer = 'p') => ({ name, peer, addresses, version: '1' })

describe('rules', () => {
  const rules = (marks: Record<string, string>) =>
    Object.entries(marks).map(([prefix, mark]) => ({ prefix, mark: mark.padEnd(16, '0') }))

  it.each([
    ['none and none', {}, {}, []],
    ['the same', { '': 'a', b: 'b' }, { '': 'a', b: 'b' }, []],
    ['another rule for a prefix', { a: 'a', b: 'b' }, { a: 'a', b: 'c' }, ['b']],
    ['a rule for siblings is no rule', { a: '0' }, {}, []],
    ['a rule on one side only', { b: 'b' }, { a: 'a' }, ['a', 'b']],
    ['a longer prefix that says the same as the shorter one', { a: 'a', ab: 'a' }, { a: 'a' }, []],
    ['a longer prefix that says otherwise', { a: 'a', ab: 'b' }, { a: 'a' }, ['ab']],
  ])('differ where members make something else of a key: %s', (_, ours, theirs, prefixes) => {
    expect(differingPrefixes(rules(ours), rules(theirs))).toEqual(prefixes)
    expect(differingPrefixes(rules(theirs), rules(ours))).toEqual(prefixes)
  })

  it('are in a record of their own version, strict to read', () => {
    const rules = [
      { prefix: '', mark: '00000000000000ff' },
      { prefix: 'a/', mark: '1122334455667788' },
    ]
    const bytes = encodeRecord({ ...record('n', ['a']), rules })
    const golden = `02016e01700131${'010161'}${'02'}${'0000000000000000ff'}${'02612f1122334455667788'}`
    expect(bytes.toString('hex')).toBe(golden)
    expect(decodeRecord(bytes)).toEqual({ ...record('n', ['a']), rules })
    expect(encodeRecord({ ...record('n', ['a']), rules: [] })).toEqual(encodeRecord(record('n', ['a'])))
    expect(() => decodeRecord(Buffer.from(golden.replace(/^02/, '03'), 'hex'))).toThrow(DecodeError)
    expect(() => decodeRecord(encodeRecord({ ...record('n'), rules: rules.toReversed() }))).toThrow(DecodeError)
    expect(() => decodeRecord(Buffer.from(`02016e01700131${'010161'}00`, 'hex'))).toThrow(DecodeError)
    expect(() => decodeForgotten(Buffer.from('02017001', 'hex'))).toThrow(DecodeError)
  })

  it('a record says behind the version of its software that its node reads folds, in the form that the first builds take', () => {
    const bytes = encodeRecord({ ...record('n', ['a']), readsFolds: true })
    const { version } = record('n')
    expect(bytes).toEqual(encodeRecord({ ...record('n', ['a']), version: `${version}+folds` }))
    expect(decodeRecord(bytes)).toEqual({ ...record('n', ['a']), readsFolds: true })
    expect(decodeRecord(encodeRecord(record('n', ['a'])))).not.toHaveProperty('readsFolds')
  })

  it('fit into a record at their most', () => {
    const rules = Array.from({ length: rulesMax }, (_, at) => ({
      prefix: `${at}`.padStart(rulePrefixBytesMax, '0'),
      mark: 'ff'.repeat(8),
    }))
    const addresses = Array.from({ length: addressesAim }, (_, at) => `${at}`.padStart(addressBytesMax, '0'))
    const full = { name: 'n'.repeat(nameBytesMax), peer: 'p'.repeat(peerBytesMax), version: '1', addresses, rules }
    expect(decodeRecord(encodeRecord(full))).toEqual(full)
    const moreAddresses = (addressesMax - addressesAim) * (addressBytesMax + 2)
    expect(encodeRecord(full).length + moreAddresses).toBeLessThanOrEqual(recordBytesMax)
  })
})

describe('records', () => {
  it('have one form, whatever the order of their addresses', () => {
    expect(encodeRecord(record('n', ['b', 'a', 'b']))).toEqual(encodeRecord(record('n', ['a', 'b'])))
    expect(decodeRecord(encodeRecord(record('n', ['b', 'a'])))).toEqual(record('n', ['a', 'b']))
    expect(encodeRecord(record('n', ['a'])).toString('hex')).toBe('01016e017001310101' + '61')
    expect(encodeForgotten({ peer: 'p', name: 'n' }).toString('hex')).toBe('010170016e')
  })

  it('are refused when malformed', () => {
    expect(() => decodeRecord(Buffer.from('01016e01700131020162' + '0161', 'hex'))).toThrow(DecodeError)
    expect(() => decodeRecord(encodeRecord(record('n', [], '')))).toThrow(DecodeError)
    expect(() => decodeRecord(Buffer.alloc(100_000, 1))).toThrow(DecodeError)
  })

  it('merge to the latest name and all addresses, in any order, without those of others or none at all', () => {
    const versions = [
      version(encodeRecord(record('old', ['a'])), 1, 1),
      version(encodeRecord(record('new', ['b'])), 2, 2),
      version(encodeRecord(record('foreign', ['c'], 'q')), 3, 3),
      version(Buffer.of(0), 4, 4),
    ]
    expect(mergeRecords('p', versions)).toEqual(record('new', ['a', 'b']))
    expect(mergeRecords('p', versions.toReversed())).toEqual(record('new', ['a', 'b']))
    expect(mergeRecords('p', versions.slice(3))).toBeUndefined()
    expect(mergeForgotten('p', versions.slice(3))).toEqual({ peer: 'p', name: 'p' })
  })

  it('of a later version make a member under its id, unless one that is understood says more', () => {
    const later = version(Buffer.of(3, 0xff), 9, 9)
    expect(mergeRecords('p', [later])).toEqual({ ...record('p'), version: '' })
    expect(mergeRecords('p', [version(encodeRecord(record('n', ['a'])), 1, 1), later])).toEqual(record('n', ['a']))
  })

  it('tag a member by the hash of its peer id', () => {
    expect(memberTag('abc')).toBe('ba7816bf8f01cfea')
  })
})

describe('the directory', () => {
  it('lists members, forgets for good, and changes its digest with the list alone', () => {
    const directory = new Directory('self')
    const alone = directory.digest().toString('hex')
    expect(alone).toBe(listDigest(['self']).toString('hex'))
    directory.set('member/p', [version(encodeRecord(record('n')), 1)])
    const both = directory.digest().toString('hex')
    expect(both).not.toBe(alone)
    directory.set('member/p', [version(encodeRecord(record('renamed')), 2)])
    expect(directory.digest().toString('hex')).toBe(both)
    expect(directory.resolve('renamed')).toBe('p')
    directory.set('forgotten/p', [version(encodeForgotten({ peer: 'p', name: 'n' }), 3)])
    directory.set('forgotten/p', [])
    expect(directory.peers()).toEqual(['self'])
    expect(directory.digest().toString('hex')).toBe(alone)
    expect([directory.isForgotten('p'), directory.isMember('p')]).toEqual([true, false])
    expect(directory.set('unrelated', [])).toBe(false)
  })
})

describe('acknowledgements', () => {
  const word = { list: null, isVerified: true, state: null, takenAtMs: 0, by: null }

  it('a member itself replaces, a relay adds under the same epoch alone', () => {
    const table = new AckTable()
    table.restart(member, 5)
    table.update(member, [{ actor, ranges: [1, 9] }])
    table.observe(member, word)
    expect(table.has(member, { actor, counter: 9 })).toBe(true)
    table.applyRelay(member, 5, upTo(12))
    expect(table.get(member).context.equals(upTo(12))).toBe(true)
    table.restart(member, 6)
    table.update(member, [{ actor, ranges: [1, 3] }])
    table.applyRelay(member, 5, upTo(12))
    expect(table.get(member).context.equals(upTo(3))).toBe(true)
    table.applyRelay(member, 7, upTo(2))
    expect(table.get(member)).toMatchObject({ epoch: 7 })
    expect(table.get(member).context.equals(upTo(2))).toBe(true)
  })

  it('of a member that is not verified do not count', () => {
    const table = new AckTable()
    table.load(new Map([[member, upTo(3)]]))
    expect(table.has(member, { actor, counter: 3 })).toBe(true)
    table.observe(member, { ...word, isVerified: false })
    expect(table.has(member, { actor, counter: 3 })).toBe(false)
  })

  it('are reported for saving once after each change, and keep later words over earlier ones', () => {
    const table = new AckTable()
    table.acknowledge(member, upTo(3))
    expect(table.takeUnsaved()).toEqual([member])
    table.acknowledge(member, upTo(2))
    expect(table.takeUnsaved()).toEqual([])
    table.observe(member, { ...word, takenAtMs: 10, list: 'new' })
    table.observe(member, { ...word, takenAtMs: 9, list: 'old' })
    expect(table.get(member).list).toBe('new')
  })
})

describe('relays', () => {
  const source = (context = new Context()) => ({
    state: Buffer.alloc(8, 7),
    applied: new ChangeLog(context, 10),
    monotonicMs: 1_000,
  })
  const relayable = (context: Context, rest: object = {}): Relayable => ({
    member,
    acknowledgement: {
      epoch: 1,
      context,
      list: null,
      isVerified: true,
      state: '0707070707070707',
      takenAtMs: 900,
      by: null,
      stamp: 1,
      ...rest,
    },
    withContext: true,
  })

  it('tell what is new, once; all of it again under a new epoch', () => {
    const writer = new RelayWriter()
    const both = upTo(3)
    both.addRange(other, 1, 1)
    expect(writer.next(source(), [relayable(both)], 1, true)).toMatchObject([
      { member, ageMs: 100, state: 'same', acknowledged: [{ actor }, { actor: other }] },
    ])
    expect(writer.next(source(), [relayable(both)], 2, true)).toEqual([])
    const more = both.clone()
    more.addRange(actor, 4, 4)
    expect(writer.next(source(), [relayable(more, { stamp: 2 })], 3, true)[0]!.acknowledged).toEqual([
      { actor, ranges: [1, 4] },
    ])
    expect(writer.next(source(), [relayable(both, { stamp: 3, epoch: 2 })], 4, true)[0]!.acknowledged).toHaveLength(2)
    expect(writer.next(source(), [relayable(both, { stamp: 3, epoch: 2, takenAtMs: 950 })], 5, true)).toMatchObject([
      { acknowledged: null, ageMs: 50 },
    ])
  })

  it('say "same" only when the receiver knows all of our own context', () => {
    expect(new RelayWriter().next(source(upTo(3)), [relayable(upTo(3))], 1, true)[0]!.acknowledged).toBe('same')
    expect(new RelayWriter().next(source(upTo(3)), [relayable(upTo(3))], 1, false)[0]!.acknowledged).not.toBe('same')
  })

  it('are bounded, and take turns', () => {
    const writer = new RelayWriter()
    const many = (takenAtMs: number) =>
      Array.from({ length: 20 }, (_, at) => ({
        ...relayable(upTo(1), { takenAtMs }),
        member: at.toString(16).padStart(16, '0'),
      }))
    const told = new Set<string>()
    for (let nonce = 1; nonce <= 3; nonce++) {
      const relays = writer.next(source(), many(900 + nonce), nonce, true)
      expect(relays).toHaveLength(8)
      for (const relay of relays) told.add(relay.member)
    }
    expect(told.size).toBe(20)
  })
})

describe('the change log', () => {
  it('names the actors that changed since a version, and admits when it does not know any more', () => {
    const log = new ChangeLog(new Context(), 2)
    log.advance(upTo(1))
    const seen = log.version
    log.advance(upTo(1))
    expect(log.version).toBe(seen)
    expect([...log.since(0)!]).toEqual([actor])
    expect([...log.since(seen)!]).toEqual([])
    const both = upTo(1)
    both.addRange(other, 1, 1)
    log.advance(both)
    expect([...log.since(seen)!]).toEqual([other])
    log.advance(upTo(1, other))
    expect([...log.since(log.version - 1)!]).toEqual([actor])
    for (let last = 2; last < 9; last++) log.advance(upTo(last, other))
    expect(log.since(seen)).toBeUndefined()
  })
})

describe('clocks', () => {
  it('are estimated from the shortest round trip, and again after a jump', () => {
    const exchange = (theirWallMs: number, roundTripMs: number) =>
      sample({ sentMs: 9_500 - roundTripMs, receivedMs: 10_000, heldMs: 500, theirWallMs })
    const samples = new ClockSamples(3)
    expect(samples.best()).toBeUndefined()
    samples.add(exchange(10_990, 40))
    samples.add(exchange(10_998, 4))
    samples.add(exchange(10_980, 60))
    expect(samples.best()).toMatchObject({ aheadMs: 1_000, roundTripMs: 4 })
    samples.add(exchange(99_980, 40))
    expect(samples.best()!.aheadMs).toBe(90_000)
  })

  it('have a median', () => {
    expect([median([]), median([3]), median([9, 1, 5]), median([4, 1, 3, 2])]).toEqual([undefined, 3, 5, 2])
  })
})

describe('the local state', () => {
  it('is captured again only after a rest in proportion to what it costs, unless it must be that of now', () => {
    let nowMs = 0
    let last = 1
    let captures = 0
    const replica = {
      isVerified: true,
      damageEpoch: 0,
      capture: () => {
        nowMs += 10
        captures++
        return { seen: upTo(last), applied: upTo(last), members: new Map(), root: new Uint8Array(16), entries: 0 }
      },
    }
    const environment = { nowMs: () => nowMs, monotonicMs: () => nowMs } as unknown as Environment
    const state = new LocalState(replica, environment, () => new Uint8Array(8))
    const first = state.digest()
    expect(state.cheapDigest()).toBe(first)
    last = 2
    state.touch()
    expect([state.cheapDigest(), state.isStale, captures]).toEqual([undefined, true, 1])
    expect(state.view([], false).applied.current.equals(upTo(1))).toBe(true)
    nowMs += 200
    expect(state.view([], false).applied.current.equals(upTo(2))).toBe(true)
    last = 3
    state.touch()
    expect(state.view([], true).applied.current.equals(upTo(3))).toBe(true)
    expect([captures, state.isStale]).toEqual([3, false])
  })
})

describe('small things', () => {
  it('a majority is more than half', () => {
    expect([1, 2, 3, 4, 5].map(majority)).toEqual([1, 2, 2, 3, 3])
  })

  it('the digest of contexts tells seen from applied, and sets from sets', () => {
    const digests = [
      [upTo(3), upTo(3)],
      [upTo(3), upTo(2)],
      [upTo(3), new Context()],
      [upTo(3, other), upTo(3, other)],
    ].map(([seen, applied]) => contextsDigest({ seen: seen!, applied: applied! }).toString('hex'))
    expect(new Set(digests).size).toBe(4)
    expect(contextsDigest({ seen: upTo(3), applied: upTo(3) }).toString('hex')).toBe(digests[0])
  })
})
