/** Sync sessions that meet damage, a store that is not verified, or a peer that breaks the protocol. */
import { describe, expect, test, vi } from 'vitest'
import type { Message } from '../../protocols/sync/messages.js'
import { register } from '../../store/model/address.js'
import { unknownMember } from '../../store/model/codec.js'
import { Random } from '../support/random.js'
import { actors, modesOf, SessionPair } from '../support/session-pair.js'
import { Duel } from '../support/sync-duel.js'

describe('damage', () => {
  const apart = () => {
    const pair = new SessionPair()
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
    const pair = new SessionPair()
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
