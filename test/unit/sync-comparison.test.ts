/**
 * Sessions that compare two copies: they find what differs, change neither side, and are told apart by builds that do
 * not know them.
 */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { comparedValueBytesMax } from '../../protocols/sync/limits.js'
import type { Message } from '../../protocols/sync/messages.js'
import { systemAddress } from '../../store/model/address.js'
import type { Dot } from '../../store/model/dot.js'
import type { ModelReplica } from '../support/model-replica.js'
import { Random } from '../support/random.js'
import { actors, modesOf, SessionPair, typesOf } from '../support/session-pair.js'

const states = (pair: SessionPair) =>
  pair.both.map((replica) => [
    Buffer.from(replica.trie.root()).toString('hex'),
    replica.seen.clone(),
    replica.applied.clone(),
    replica.log.size,
  ])

function compare(pair: SessionPair, compareEntriesMax = 100, seed = 7) {
  const before = states(pair)
  const result = pair.sync({ compareEntriesMax, random: new Random(seed) })
  expect(states(pair)).toEqual(before)
  return { ...result, compared: result.outcomes[0]!.compared! }
}

/** Values of a side, as text. */
const texts = (versions: readonly { value: Uint8Array | null }[]) =>
  versions.map(({ value }) => (value === null ? null : Buffer.from(value).toString()))

/** What stands at each key of a replica, as text; for the expected differences. */
function contentsOf(replica: ModelReplica): Map<string, string> {
  const entries = [...replica.entries.values()].map(
    ({ address, versions }) =>
      [
        address.key,
        versions.map(({ dot, value }) => `${dot.actor}:${dot.counter}=${Buffer.from(value)}`).join(),
      ] as const,
  )
  return new Map(entries)
}

describe('a comparison', () => {
  test('of equal copies swaps two messages and unites nothing', () => {
    const pair = new SessionPair()
    for (let count = 0; count < 20; count++) pair.put(pair.both, `key-${count}`, 'value')
    // Equal entries under contexts that differ: a session that syncs would unite them.
    pair.here.seen.add({ actor: actors[1]!, counter: 7 })
    const result = compare(pair)
    expect(typesOf(result)).toEqual(['open', 'equal'])
    expect(modesOf(result)).toEqual(['compared', 'compared'])
    expect(result.outcomes).toMatchObject([{ united: false }, { united: false }])
    expect(result.compared).toEqual({ entries: [], more: false })
  })

  test('shows both sides of each key that differs, and of no other, in the order of keys', () => {
    const pair = new SessionPair()
    for (let count = 0; count < 60; count++) pair.put(pair.both, `shared-${count}`, 'value')
    const old = pair.put(pair.both, 'b/changed', 'old')
    pair.put([pair.here], 'b/changed', 'new', [old.dot], actors[1])
    pair.put([pair.here], 'a/here', 'x', [], actors[1])
    pair.put([pair.there], 'd/there', 'y', [], actors[2])
    const gone = pair.put(pair.both, 'c/deleted', 'z')
    pair.put([pair.there], 'c/deleted', null, [gone.dot], actors[2])
    const { compared } = compare(pair)
    expect(compared.more).toBe(false)
    expect(compared.entries.map(({ address, here, there }) => [address.key, texts(here), texts(there)])).toEqual([
      ['a/here', ['x'], []],
      ['b/changed', ['new'], ['old']],
      ['c/deleted', ['z'], []],
      ['d/there', [], ['y']],
    ])
    expect(compared.entries[1]!.there).toMatchObject([{ dot: old.dot, time: old.time, expiresAtMs: null }])
  })

  test('names long values by dot and time alone, and sends neither them nor what they superseded', () => {
    const pair = new SessionPair()
    const before: Dot[] = Array.from({ length: 40 }, () => pair.put(pair.both, 'key', 'old').dot)
    pair.put([pair.there], 'key', 'x'.repeat(comparedValueBytesMax + 1), before, actors[2])
    const { compared, messages } = compare(pair)
    expect(texts(compared.entries[0]!.there)).toEqual([null])
    expect(compared.entries[0]!.here).toHaveLength(2)
    const entries = messages.filter(({ message }) => message.type === 'entries')
    expect(entries.reduce((sum, { bytes }) => sum + bytes, 0)).toBeLessThan(150)
  })

  test('leaves the records of the mesh out', () => {
    const pair = new SessionPair()
    const put = pair.put([], 'k', 'v')
    pair.there.applyNow([{ ...put, address: systemAddress('member/x') }])
    expect(compare(pair).compared).toEqual({ entries: [], more: false })
  })

  test.each([
    ['here', 0],
    ['there', 1],
  ])('is bounded however much only stands %s, and says that there is more', (_, side) => {
    const pair = new SessionPair()
    pair.put(pair.both, 'shared', 'value')
    for (let count = 0; count < 250; count++) pair.put([pair.both[side]!], `key-${count}`, 'value')
    const { compared, outcomes } = compare(pair, 5)
    expect(compared).toMatchObject({ more: true, entries: { length: 5 } })
    expect(outcomes[0]!.entriesReceived).toBeLessThan(100)
  })

  test('finds exactly what differs, whatever was put, deleted and seen on either side', () => {
    const act = fc.record({
      side: fc.constantFrom('here', 'there', 'both'),
      key: fc.integer({ min: 0, max: 40 }),
      value: fc.option(fc.string({ maxLength: 3 })),
      supersedes: fc.boolean(),
    })
    fc.assert(
      fc.property(fc.array(act, { maxLength: 120 }), fc.integer(), (acts, seed) => {
        const pair = new SessionPair()
        const last = new Map<number, Dot>()
        for (const [at, { side, key, value, supersedes }] of acts.entries()) {
          const targets = side === 'both' ? pair.both : [pair[side as 'here' | 'there']]
          const before = supersedes && last.has(key) ? [last.get(key)!] : []
          last.set(key, pair.put(targets, `key-${key}`, value, before, actors[at % 3]).dot)
        }
        const [here, there] = pair.both.map(contentsOf)
        const keys = [...new Set([...here!.keys(), ...there!.keys()])]
        const expected = keys.filter((key) => here!.get(key) !== there!.get(key)).sort()
        const { compared } = compare(pair, 1_000, seed)
        expect(compared.entries.map(({ address }) => address.key)).toEqual(expected)
        expect(compared.more).toBe(false)
      }),
      { numRuns: 60 },
    )
  })
})

describe('a peer that breaks the rules of a comparison', () => {
  const differing = () => {
    const pair = new SessionPair()
    for (let count = 0; count < 60; count++) pair.put([pair.there], `there-${count}`, 'value', [], actors[2])
    for (let count = 0; count < 60; count++) pair.put([pair.here], `here-${count}`, 'value', [], actors[1])
    return pair
  }
  const expectRefused = (
    pair: SessionPair,
    side: 0 | 1,
    tamper: (message: Message) => readonly Message[] | undefined,
  ) => {
    const before = states(pair)
    expect(() =>
      pair.sync({ compareEntriesMax: 100, tamper: (message, from) => (from === side ? tamper(message) : undefined) }),
    ).toThrow(/sync: /)
    expect(states(pair)).toEqual(before)
  }

  test('a build that does not know the field is left before anything is sent to it', () => {
    const pair = differing()
    const before = states(pair)
    const forget = (message: Message): readonly Message[] | undefined => {
      if (message.type !== 'open') return undefined
      const { compares: _, ...open } = message
      return [open]
    }
    expect(() => pair.sync({ compareEntriesMax: 100, tamper: forget })).toThrow('sync: compares not')
    expect(states(pair)).toEqual(before)
  })

  test('entries that were not wanted are not taken', () => {
    const twice = (message: Message) => (message.type === 'entries' ? [message, message] : undefined)
    expectRefused(differing(), 1, twice)
  })

  test('nothing is taken from the side that asks', () => {
    const entries: Message = { type: 'entries', part: false, entries: { entries: [], members: new Map() } }
    expectRefused(differing(), 0, (message) => (message.type === 'end' ? [entries, message] : undefined))
  })

  test('positions that were not listed, or not once, are refused', () => {
    const positions = [...Array(5_000).keys()]
    expectRefused(differing(), 0, (message) => (message.type === 'wants' ? [{ type: 'wants', positions }] : undefined))
    const again = (message: Message) => (message.type === 'wants' ? [message, message, message] : undefined)
    expectRefused(differing(), 0, again)
  })
})
