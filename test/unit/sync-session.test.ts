/**
 * Sync sessions, one situation after the other: what goes over, in which messages, and what both sides have afterwards.
 */
import { describe, expect, test, vi } from 'vitest'
import { register } from '../../store/model/address.js'
import { Context } from '../../store/model/context.js'
import { sameDot } from '../../store/model/dot.js'
import type { Update } from '../../store/model/update.js'
import { Random } from '../support/random.js'
import { actors, modesOf, SessionPair, typesOf, valuesAt, valuesSent } from '../support/session-pair.js'
import type { DuelResult } from '../support/sync-duel.js'

describe('one session', () => {
  test('of equal nodes is a complete pass, told to the side that lost something to damage, and to no other', () => {
    const pair = new SessionPair()
    pair.put(pair.both, 'key', 'value')
    const unions = pair.both.map((replica) => vi.spyOn(replica, 'uniteNow'))
    Object.assign(pair.here, { awaitsPass: true })
    expect(modesOf(pair.sync())).toEqual(['equal', 'equal'])
    expect(unions.map((union) => union.mock.calls.length)).toEqual([1, 0])
  })

  test('equal nodes swap two messages', () => {
    const pair = new SessionPair()
    for (let count = 0; count < 20; count++) pair.put(pair.both, `key-${count}`, 'value')
    const result = pair.sync()
    expect(modesOf(result)).toEqual(['equal', 'equal'])
    expect(typesOf(result)).toEqual(['open', 'equal'])
    expect(result.outcomes[0]).toMatchObject({ provenEqual: true, roundTrips: 1 })
  })

  test('equal entries, other contexts: both unite (rule 1, last sentence)', () => {
    const pair = new SessionPair()
    pair.put(pair.both, 'shared', 'value')
    const first = pair.put([pair.here], 'key', 'old')
    const second = pair.put([pair.here], 'key', null, [first.dot])
    const result = pair.sync()
    // The updates go over all the same: they say what stood at their dots.
    expect(modesOf(result)).toEqual(['delta', 'delta'])
    expect(result.outcomes[0]).toMatchObject({ roundTrips: 1.5, provenEqual: true, united: true })
    expect(pair.there.applied.has(second.dot)).toBe(true)
    pair.expectEqual()
  })

  test('equal entries, and contexts that differ in what was seen alone, unite once the digests went over', () => {
    const pair = new SessionPair()
    pair.put(pair.both, 'shared', 'value')
    pair.here.seen.add({ actor: actors[1]!, counter: 7 })
    const result = pair.sync()
    expect(modesOf(result)).toEqual(['delta', 'delta'])
    expect(result.outcomes[0]).toMatchObject({ provenEqual: true, united: true, roundTrips: 1.5 })
    pair.expectEqual()
  })

  test('what the peer issued and superseded since its first capture is not united: no delta says what it was', () => {
    const pair = new SessionPair()
    pair.put([pair.here], 'here', 'value', [], actors[1])
    pair.put([pair.there], 'there', 'value')
    let actions = 0
    let fleeting: Update | undefined
    const between = () => {
      if (++actions !== 5) return
      fleeting = pair.put([pair.there], 'fleeting', 'value')
      pair.put([pair.there], 'fleeting', null, [fleeting.dot])
    }
    const result = pair.sync({ between })
    expect(result.outcomes[0]).toMatchObject({ united: true, updatesReceived: 1 })
    expect(result.outcomes[1]).toMatchObject({ united: true })
    expect(pair.here.seen.has(fleeting!.dot)).toBe(false)
    pair.sync()
    pair.expectEqual()
  })

  test('missing updates go over once in each direction, and the check ends it in one and a half round trips', () => {
    const pair = new SessionPair()
    for (let count = 0; count < 10; count++) pair.put(pair.both, `shared-${count}`, 'value')
    for (let count = 0; count < 5; count++) pair.put([pair.here], `here-${count}`, 'value', [], actors[1])
    for (let count = 0; count < 7; count++) pair.put([pair.there], `there-${count}`, 'value', [], actors[2])
    const result = pair.sync()
    expect(modesOf(result)).toEqual(['delta', 'delta'])
    expect(valuesSent(result)).toEqual([5, 7])
    expect(result.outcomes[0]).toMatchObject({ roundTrips: 1.5, provenEqual: true, updatesReceived: 7 })
    pair.expectEqual()
  })

  test('an empty node gets everything, whichever side it is on', () => {
    for (const fill of ['here', 'there'] as const) {
      const pair = new SessionPair()
      for (let count = 0; count < 10; count++) pair.put([pair[fill]], `key-${count}`, 'value')
      const result = pair.sync()
      expect(modesOf(result)).toEqual(['full', 'full'])
      pair.expectEqual()
      expect(pair.here.entries.size).toBe(10)
    }
  })

  test('a delete behind a truncated log is found by the tree, and no value travels', () => {
    const pair = new SessionPair()
    const updates = Array.from({ length: 12 }, (_, count) => pair.put(pair.both, `key-${count}`, 'value'))
    const removal = pair.put([pair.here], 'key-3', null, [updates[3]!.dot], actors[1])
    pair.here.truncate(() => true, false)
    const result = pair.sync()
    expect(modesOf(result)).toEqual(['tree', 'tree'])
    expect(valuesSent(result)).toEqual([0, 0])
    expect(pair.there.versionsAt(register('key-3'))).toEqual([])
    expect(pair.there.applied.has(removal.dot)).toBe(true)
    pair.expectEqual()
  })

  test('a side that joins very many removals before its turn sends signs of life, since the peer waits', () => {
    const pair = new SessionPair()
    const updates = Array.from({ length: 220 }, (_, count) => pair.put(pair.both, `key-${count}`, 'value'))
    for (const { address, dot } of updates.slice(0, 150)) pair.put([pair.there], address.key, null, [dot], actors[1])
    for (let count = 0; count < 30; count++) pair.put([pair.there], `late-${count}`, 'value', [], actors[2])
    pair.there.truncate(() => true, true)
    const { messages, outcomes } = pair.sync({ listingAim: 1 })
    const signs = messages.filter(({ message }) => message.type === 'wants' && message.positions.length === 0)
    expect(signs.length).toBeGreaterThan(0)
    expect(outcomes.map((outcome) => outcome?.ended)).toEqual(['complete', 'complete'])
    pair.expectEqual()
  })

  test('contexts that tell nothing lead to the tree at once: its first nodes come with the answer', () => {
    const pair = new SessionPair()
    for (let count = 0; count < 12; count++) pair.put(pair.both, `key-${count}`, 'value')
    pair.here.rot(register('key-5'), Buffer.from('rotten'))
    const result = pair.sync()
    expect(typesOf(result).slice(0, 4)).toEqual(['open', 'open', 'tree', 'end'])
    expect(modesOf(result)).toEqual(['tree', 'tree'])
  })

  test('one dot with different bytes: the values are compared, and both sides settle alike', () => {
    const pair = new SessionPair()
    for (let count = 0; count < 12; count++) pair.put(pair.both, `key-${count}`, 'value')
    pair.here.rot(register('key-5'), Buffer.from('rotten'))
    const result = pair.sync()
    expect(typesOf(result)).toContain('values')
    expect(valuesSent(result)).toEqual([1, 1])
    expect(Buffer.compare(pair.here.trie.root(), pair.there.trie.root())).toBe(0)
    expect(valuesAt(pair.here, register('key-5'))).toEqual(valuesAt(pair.there, register('key-5')))
  })

  test('large values of one entry travel one a message, ahead of the entry', () => {
    const pair = new SessionPair()
    for (let count = 0; count < 6; count++) pair.put(pair.both, `key-${count}`, 'value')
    const great = [1, 2, 3].map((digit) => pair.put([pair.here], 'great', `${digit}`.repeat(600_000), [], actors[1]))
    pair.here.truncate(() => true, true)
    const result = pair.sync()
    const parts = result.messages.filter(({ message }) => message.type === 'entries' && message.part)
    expect(parts).toHaveLength(3)
    for (const { bytes } of result.messages) expect(bytes).toBeLessThan(700_000)
    expect(pair.there.versionsAt(register('great'))).toHaveLength(3)
    expect(pair.there.applied.covers(Context.of(great.map(({ dot }) => dot)))).toBe(true)
    pair.expectEqual()
  })

  test('an entry of more versions than one message names ends no session: all that is missing comes, and nothing goes', () => {
    const pair = new SessionPair()
    for (let count = 0; count < 6; count++) pair.put(pair.both, `key-${count}`, 'value')
    const shared = pair.put(pair.both, 'crowd', 'shared')
    for (const digit of [1, 2, 3, 4, 5]) pair.put([pair.here], 'crowd', `here ${digit}`, [], actors[1])
    for (const digit of [1, 2]) pair.put([pair.there], 'crowd', `there ${digit}`, [], actors[2])
    for (const replica of pair.both) replica.truncate(() => true, true)
    const result = pair.sync({ entryVersionsMax: 4 })
    expect(result.outcomes.map((outcome) => outcome?.ended)).toEqual(['complete', 'complete'])
    for (const replica of pair.both) {
      expect(valuesAt(replica, register('crowd'))).toHaveLength(8)
      expect(replica.versionsAt(register('crowd')).some(({ dot }) => sameDot(dot, shared.dot))).toBe(true)
    }
    pair.expectEqual()
    // Also when nothing of it is missing there: a removal that the log does not tell any more is left, and no version
    // is taken for removed.
    pair.put([pair.here], 'crowd', null, [shared.dot])
    pair.here.truncate(() => true, true)
    pair.sync({ entryVersionsMax: 4 })
    expect(valuesAt(pair.here, register('crowd'))).toHaveLength(7)
    expect(valuesAt(pair.there, register('crowd')).length).toBeGreaterThanOrEqual(7)
  })

  test('a node that missed the middle of a chain gets it, and shows no false sibling', () => {
    const pair = new SessionPair()
    const first = pair.put(pair.both, 'key', 'one')
    const middle = pair.put([pair.here], 'key', 'two', [first.dot], actors[1])
    const last = pair.put([pair.here], 'key', 'three', [middle.dot], actors[1])
    pair.there.applyNow([last])
    expect(valuesAt(pair.there, register('key'))).toEqual(['one', 'three'])
    expect(pair.there.applied.has(middle.dot)).toBe(false)
    const result = pair.sync()
    expect(modesOf(result)).toEqual(['delta', 'delta'])
    expect(valuesSent(result)).toEqual([0, 0])
    expect(valuesAt(pair.there, register('key'))).toEqual(['three'])
    pair.expectEqual()
  })
})

describe('what contexts cost', () => {
  const beside = ({ messages }: DuelResult) =>
    messages.filter(({ message }) => message.type !== 'delta').reduce((sum, { bytes }) => sum + bytes, 0)

  test('at most 1 KiB beside the updates, with 16 actors that all wrote on both sides', () => {
    const pair = new SessionPair()
    const writers = Array.from({ length: 16 }, (_, at) => `${at}`.padStart(16, '0'))
    for (let count = 0; count < 200; count++) pair.put(pair.both, `key-${count}`, 'value', [], writers[count % 16])
    for (let count = 0; count < 64; count++) pair.put([pair.here], `here-${count}`, 'value', [], writers[count % 8])
    for (let count = 0; count < 64; count++)
      pair.put([pair.there], `there-${count}`, 'value', [], writers[8 + (count % 8)])
    const result = pair.sync()
    expect(modesOf(result)).toEqual(['delta', 'delta'])
    expect(beside(result)).toBeLessThanOrEqual(1_024)
  })

  test('at most 6 KiB with 1,000 random gaps', () => {
    const pair = new SessionPair()
    const random = new Random(3)
    pair.here.updatesPerRead = pair.there.updatesPerRead = 1_000
    for (let count = 0; count < 6_000; count++) {
      const update = pair.put([pair.there], `key-${count % 20}`, null, [])
      if (!random.chance(0.2)) pair.here.applyNow([update])
    }
    expect(pair.here.applied.rangeCount).toBeGreaterThan(800)
    const result = pair.sync()
    expect(beside(result)).toBeLessThanOrEqual(6 * 1_024)
    pair.expectEqual()
  })
})
