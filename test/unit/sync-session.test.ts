/** What a sync session does in each situation, told one by one. */
import { describe, expect, test, vi } from 'vitest'
import type { SessionAnswer } from '../../protocols/sync/core/actions.js'
import type { Conversation } from '../../protocols/sync/core/conversation.js'
import { sendDelta } from '../../protocols/sync/core/delta.js'
import { decodeMessage, encodeMessage, type Message } from '../../protocols/sync/messages.js'
import { type Address, register } from '../../store/model/address.js'
import { unknownMember } from '../../store/model/codec.js'
import { Context } from '../../store/model/context.js'
import { type Dot, sameDot } from '../../store/model/dot.js'
import type { Update } from '../../store/model/update.js'
import { ModelReplica } from '../support/model-replica.js'
import { Random } from '../support/random.js'
import { Duel, type DuelOptions, type DuelResult } from '../support/sync-duel.js'

const actors = ['a', 'b', 'c'].map((letter) => letter.repeat(16))

class Pair {
  readonly here = new ModelReplica()
  readonly there = new ModelReplica()
  readonly #counters = new Map<string, number>()

  put(at: ModelReplica[], key: string, value: string | null, supersedes: Dot[] = [], actor = actors[0]!): Update {
    const counter = (this.#counters.get(actor) ?? 0) + 1
    this.#counters.set(actor, counter)
    const update: Update = {
      dot: { actor, counter },
      address: register(key),
      kind: value === null ? 'delete' : 'put',
      time: { ms: counter, logical: 0 },
      expiresAtMs: null,
      value: value === null ? null : Buffer.from(value),
      supersedes,
    }
    for (const replica of at) replica.applyNow([update])
    return update
  }

  get both(): ModelReplica[] {
    return [this.here, this.there]
  }

  sync(options: Partial<DuelOptions> = {}): DuelResult {
    return new Duel(this.here, this.there, { random: new Random(7), ...options }).run()
  }

  expectEqual(): void {
    expect(Buffer.compare(this.here.trie.root(), this.there.trie.root())).toBe(0)
    expect(this.here.seen.equals(this.there.seen)).toBe(true)
    expect(this.here.applied.equals(this.there.applied)).toBe(true)
  }
}

const modesOf = ({ outcomes }: DuelResult) => outcomes.map((outcome) => outcome?.mode)
const typesOf = ({ messages }: DuelResult) => messages.map(({ message }) => message.type)
const valuesSent = ({ outcomes }: DuelResult) => outcomes.map((outcome) => outcome?.valuesSent)
const shown = (replica: ModelReplica, address: Address) =>
  replica.versionsAt(address).map(({ value }) => Buffer.from(value).toString())

describe('one session', () => {
  test('of equal nodes is a complete pass, told to the side that lost something to damage, and to no other', () => {
    const pair = new Pair()
    pair.put(pair.both, 'key', 'value')
    const unions = pair.both.map((replica) => vi.spyOn(replica, 'uniteNow'))
    Object.assign(pair.here, { awaitsPass: true })
    expect(modesOf(pair.sync())).toEqual(['equal', 'equal'])
    expect(unions.map((union) => union.mock.calls.length)).toEqual([1, 0])
  })

  test('equal nodes swap two messages', () => {
    const pair = new Pair()
    for (let count = 0; count < 20; count++) pair.put(pair.both, `key-${count}`, 'value')
    const result = pair.sync()
    expect(modesOf(result)).toEqual(['equal', 'equal'])
    expect(typesOf(result)).toEqual(['open', 'equal'])
    expect(result.outcomes[0]).toMatchObject({ provenEqual: true, roundTrips: 1 })
  })

  test('equal entries, other contexts: both unite (rule 1, last sentence)', () => {
    const pair = new Pair()
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
    const pair = new Pair()
    pair.put(pair.both, 'shared', 'value')
    pair.here.seen.add({ actor: actors[1]!, counter: 7 })
    const result = pair.sync()
    expect(modesOf(result)).toEqual(['delta', 'delta'])
    expect(result.outcomes[0]).toMatchObject({ provenEqual: true, united: true, roundTrips: 1.5 })
    pair.expectEqual()
  })

  test('what the peer issued and superseded since its first capture is not united: no delta says what it was', () => {
    const pair = new Pair()
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
    const pair = new Pair()
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
      const pair = new Pair()
      for (let count = 0; count < 10; count++) pair.put([pair[fill]], `key-${count}`, 'value')
      const result = pair.sync()
      expect(modesOf(result)).toEqual(['full', 'full'])
      pair.expectEqual()
      expect(pair.here.entries.size).toBe(10)
    }
  })

  test('a delete behind a truncated log is found by the tree, and no value travels', () => {
    const pair = new Pair()
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
    const pair = new Pair()
    const updates = Array.from({ length: 400 }, (_, count) => pair.put(pair.both, `key-${count}`, 'value'))
    for (const { address, dot } of updates.slice(0, 250)) pair.put([pair.there], address.key, null, [dot], actors[1])
    for (let count = 0; count < 30; count++) pair.put([pair.there], `late-${count}`, 'value', [], actors[2])
    pair.there.truncate(() => true, true)
    const { messages, outcomes } = pair.sync()
    const signs = messages.filter(({ message }) => message.type === 'wants' && message.positions.length === 0)
    expect(signs.length).toBeGreaterThan(0)
    expect(outcomes.map((outcome) => outcome?.ended)).toEqual(['complete', 'complete'])
    pair.expectEqual()
  })

  test('contexts that tell nothing lead to the tree at once: its first nodes come with the answer', () => {
    const pair = new Pair()
    for (let count = 0; count < 12; count++) pair.put(pair.both, `key-${count}`, 'value')
    pair.here.rot(register('key-5'), Buffer.from('rotten'))
    const result = pair.sync()
    expect(typesOf(result).slice(0, 4)).toEqual(['open', 'open', 'tree', 'end'])
    expect(modesOf(result)).toEqual(['tree', 'tree'])
  })

  test('one dot with different bytes: the values are compared, and both sides settle alike', () => {
    const pair = new Pair()
    for (let count = 0; count < 12; count++) pair.put(pair.both, `key-${count}`, 'value')
    pair.here.rot(register('key-5'), Buffer.from('rotten'))
    const result = pair.sync()
    expect(typesOf(result)).toContain('values')
    expect(valuesSent(result)).toEqual([1, 1])
    expect(Buffer.compare(pair.here.trie.root(), pair.there.trie.root())).toBe(0)
    expect(shown(pair.here, register('key-5'))).toEqual(shown(pair.there, register('key-5')))
  })

  test('great values of one entry travel one a message, ahead of the entry', () => {
    const pair = new Pair()
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
    const pair = new Pair()
    for (let count = 0; count < 6; count++) pair.put(pair.both, `key-${count}`, 'value')
    const shared = pair.put(pair.both, 'crowd', 'shared')
    for (const digit of [1, 2, 3, 4, 5]) pair.put([pair.here], 'crowd', `here ${digit}`, [], actors[1])
    for (const digit of [1, 2]) pair.put([pair.there], 'crowd', `there ${digit}`, [], actors[2])
    for (const replica of pair.both) replica.truncate(() => true, true)
    const result = pair.sync({ entryVersionsMax: 4 })
    expect(result.outcomes.map((outcome) => outcome?.ended)).toEqual(['complete', 'complete'])
    for (const replica of pair.both) {
      expect(shown(replica, register('crowd'))).toHaveLength(8)
      expect(replica.versionsAt(register('crowd')).some(({ dot }) => sameDot(dot, shared.dot))).toBe(true)
    }
    pair.expectEqual()
    // Also when nothing of it is missing there: a removal that the log does not tell any more is left, and no version is taken for removed.
    pair.put([pair.here], 'crowd', null, [shared.dot])
    pair.here.truncate(() => true, true)
    pair.sync({ entryVersionsMax: 4 })
    expect(shown(pair.here, register('crowd'))).toHaveLength(7)
    expect(shown(pair.there, register('crowd')).length).toBeGreaterThanOrEqual(7)
  })

  test('a node that missed the middle of a chain gets it, and shows no false sibling', () => {
    const pair = new Pair()
    const first = pair.put(pair.both, 'key', 'one')
    const middle = pair.put([pair.here], 'key', 'two', [first.dot], actors[1])
    const last = pair.put([pair.here], 'key', 'three', [middle.dot], actors[1])
    pair.there.applyNow([last])
    expect(shown(pair.there, register('key'))).toEqual(['one', 'three'])
    expect(pair.there.applied.has(middle.dot)).toBe(false)
    const result = pair.sync()
    expect(modesOf(result)).toEqual(['delta', 'delta'])
    expect(valuesSent(result)).toEqual([0, 0])
    expect(shown(pair.there, register('key'))).toEqual(['three'])
    pair.expectEqual()
  })
})

describe('what contexts cost', () => {
  const beside = ({ messages }: DuelResult) =>
    messages.filter(({ message }) => message.type !== 'delta').reduce((sum, { bytes }) => sum + bytes, 0)

  test('at most 1 KiB beside the updates, with 16 actors that all wrote on both sides', () => {
    const pair = new Pair()
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
    const pair = new Pair()
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

describe('young differences', () => {
  const apart = () => {
    const pair = new Pair()
    for (let count = 0; count < 6; count++) pair.put(pair.both, `key-${count}`, 'value')
    pair.put([pair.here], 'here', 'value', [], actors[1])
    pair.put([pair.there], 'there', 'value', [], actors[2])
    return pair
  }

  test('end a periodic session without a transfer or a union', () => {
    const pair = apart()
    const result = pair.sync({ youngOk: true })
    expect(modesOf(result)).toEqual(['young', 'young'])
    expect(typesOf(result)).toEqual(['open', 'open', 'end'])
    expect(pair.here.seen.equals(pair.there.seen)).toBe(false)
  })

  test('do not end a session after a connect', () => {
    const pair = apart()
    expect(modesOf(pair.sync())).toEqual(['delta', 'delta'])
    pair.expectEqual()
  })

  test('do not when the initiator has older ones: it sends them, and only them', () => {
    const pair = apart()
    pair.here.old = pair.here.applied.clone()
    const result = pair.sync({ youngOk: true })
    expect(modesOf(result)).toEqual(['delta', 'delta'])
    expect(valuesSent(result)).toEqual([1, 0])
    expect(result.outcomes[0]).toMatchObject({ provenEqual: false, united: false, ended: 'complete' })
    expect(pair.there.applied.covers(pair.here.applied)).toBe(true)
  })

  test('do not when the responder has older ones', () => {
    const pair = apart()
    pair.there.old = pair.there.applied.clone()
    expect(valuesSent(pair.sync({ youngOk: true }))).toEqual([1, 1])
    pair.expectEqual()
  })

  test('never hide a difference that no update explains', () => {
    const pair = new Pair()
    for (let count = 0; count < 12; count++) pair.put(pair.both, `key-${count}`, 'value')
    pair.here.rot(register('key-5'), Buffer.from('rotten'))
    expect(modesOf(pair.sync({ youngOk: true }))).toEqual(['tree', 'tree'])
  })
})

describe('damage', () => {
  const apart = () => {
    const pair = new Pair()
    const updates = Array.from({ length: 20 }, (_, count) => pair.put(pair.both, `key-${count}`, 'value'))
    for (const { dot, address } of updates.slice(0, 6)) pair.put([pair.here], address.key, null, [dot], actors[1])
    pair.here.truncate(() => true, false)
    return pair
  }

  test('found in the middle of a session, on either side: it ends, and nothing more leaves and nothing is united', () => {
    let found = 0
    for (const damaged of ['here', 'there'] as const) {
      for (let steps = 0; ; steps += 3) {
        const pair = apart()
        const duel = new Duel(pair.here, pair.there, { random: new Random(3) })
        for (let step = 0; step < steps; step++) duel.step()
        const before = duel.result()
        if (before.outcomes.some((outcome) => outcome !== undefined)) break
        const side = damaged === 'here' ? 0 : 1
        const isHandedOver = ['send', 'unite'].includes(duel.pending(side) ?? '')
        if (isHandedOver) continue
        const unite = vi.spyOn(pair[damaged], 'uniteNow')
        pair[damaged].damageEpoch++
        expect(() => {
          while (duel.step());
        }).toThrow('damage')
        expect(unite).not.toHaveBeenCalled()
        const later = duel.result().messages.slice(before.messages.length)
        expect(later.filter(({ from }) => from === side)).toEqual([])
        found++
      }
    }
    expect(found).toBeGreaterThan(10)
  })

  test('a store that is not verified accepts no session', () => {
    const pair = apart()
    pair.there.isVerified = false
    const result = pair.sync()
    expect(modesOf(result)).toEqual(['busy', 'busy'])
    expect(result.outcomes[0]?.ended).toBe('unverified')
  })

  test('a store that is not verified opens none', () => {
    const pair = apart()
    pair.here.isVerified = false
    expect(() => pair.sync()).toThrow('unverified')
  })
})

describe('a peer that breaks the protocol', () => {
  const members = new Map([[actors[0]!, unknownMember]])

  test.each([
    ['a message out of place', [{ type: 'wants', positions: [0] }]],
    ['an answer to no block', [{ type: 'tree', answers: [1], nodes: [{ kind: 'listing', digests: Buffer.alloc(0) }] }]],
    ['first nodes of no known form', [{ type: 'tree', answers: [], nodes: [] }]],
    ['updates in a descent', [{ type: 'delta', updates: { updates: [], members } }]],
    ['a last turn that answers nothing', [{ type: 'end', expecting: false }]],
  ] satisfies [string, Message[]][])('%s: the session ends without a union', (_, tampered) => {
    const pair = new Pair()
    for (let count = 0; count < 30; count++) pair.put(pair.both, `key-${count}`, 'value')
    pair.here.rot(register('key-5'), Buffer.from('rotten'))
    const unseen = pair.put([pair.there], 'gone', 'value', [], actors[2])
    pair.put([pair.there], 'gone', null, [unseen.dot], actors[2])
    pair.there.truncate(() => true, false)
    const contexts = pair.here.seen.clone()
    const tamper = (message: Message, from: 0 | 1): readonly Message[] | undefined =>
      from === 1 && message.type === 'tree' ? [...tampered] : undefined
    expect(() => pair.sync({ tamper })).toThrow()
    expect(pair.here.seen.equals(contexts)).toBe(true)
  })
})

describe('a log that is asked for much', () => {
  const noMembers = new Map()
  const capture = (applied: Context, seen = applied) => ({
    seen,
    applied,
    members: noMembers,
    root: Buffer.alloc(16),
    entries: 0,
  })
  const talking = (mine: Context, seen = mine) =>
    ({
      mine: capture(mine, seen),
      theirs: capture(new Context()),
      sent: new Context(),
      updatesSent: 0,
      valuesSent: 0,
      *send(message: Message) {
        yield { type: 'send', message }
      },
    }) as unknown as Conversation

  /** Answers each call with so many dots of which nothing is kept, and one that is, if any. */
  function deltaOf(dots: number, step: number, rows: number, found: number): Message[] {
    const actor = actors[0]!
    const sent: Message[] = []
    const steps = sendDelta(talking(new Context(new Map([[actor, [1, dots]]]))))
    let answer: SessionAnswer = { type: 'done' }
    let next = 1
    for (let action = steps.next(answer); !action.done; action = steps.next(answer)) {
      answer = { type: 'done' }
      if (action.value.type === 'send') sent.push(action.value.message)
      if (action.value.type !== 'readMissing') continue
      const updates = Array.from({ length: found }, (_, at) => ({ ...sample, dot: { actor, counter: next + at } }))
      const unlisted = new Context(new Map([[actor, [next + found, Math.min(dots, next + step - 1)]]]))
      answer = {
        type: 'missing',
        missing: { updates, listed: Context.of(updates.map(({ dot }) => dot)), unlisted, rows, digests: [] },
      }
      next += step
    }
    return sent
  }
  const sample = new Pair().put([], 'k', 'v')

  test('sends a sign of life for each step that found nothing, and leaves the rest to the tree when the log knows little', () => {
    const sent = deltaOf(1_000_000, 5_000, 5_000, 0)
    const types = sent.map(({ type }) => type)
    expect(types.slice(0, -1).every((type) => type === 'delta')).toBe(true)
    expect(sent.length).toBeLessThan(8)
    expect(sent.at(-1)).toEqual({ type: 'deltaEnd', unlisted: 1_000_000 })
    for (const message of sent) expect(decodeMessage(encodeMessage(message, () => unknownMember))).toBeDefined()
  })

  test('is asked to the end when that costs little, or brings enough', () => {
    expect(deltaOf(1_000_000, 5_000, 1, 0)).toHaveLength(200)
    const sent = deltaOf(50_000, 5_000, 5_000, 2_500)
    expect(sent).toHaveLength(11)
    expect(sent.at(-1)).toEqual({ type: 'deltaEnd', unlisted: 25_000 })
  })

  test('sends the digests of dots that updates here have superseded by name alone: the peer will know them by a union', () => {
    const [kept, told] = [
      { actor: actors[1]!, counter: 1, digest: '11'.repeat(8) },
      { actor: actors[1]!, counter: 2, digest: '22'.repeat(8) },
    ]
    const update = { ...sample, supersedes: [told] }
    const applied = Context.of([update.dot])
    const seen = Context.of([update.dot, kept, told])
    const sent: Message[] = []
    const steps = sendDelta(talking(applied, seen))
    let answer: SessionAnswer = { type: 'done' }
    for (let action = steps.next(answer); !action.done; action = steps.next(answer)) {
      answer = { type: 'done' }
      if (action.value.type === 'send') sent.push(action.value.message)
      if (action.value.type !== 'readMissing') continue
      const isUpdate = action.value.missing.has(update.dot)
      const of = { updates: isUpdate ? [update] : [], listed: isUpdate ? applied : new Context() }
      const rest = { unlisted: isUpdate ? new Context() : action.value.missing.clone(), rows: 1 }
      answer = { type: 'missing', missing: { ...of, ...rest, digests: isUpdate ? [] : [kept] } }
    }
    expect(sent.map(({ type }) => type)).toEqual(['delta', 'digests', 'deltaEnd'])
    // The update itself tells of the other one; and the tree is not asked about dots that no update ever came for.
    expect(sent.slice(1)).toEqual([
      { type: 'digests', dots: [kept] },
      { type: 'deltaEnd', unlisted: 0 },
    ])
  })
})
