/**
 * What a sync session makes of the log: young differences that it leaves to gossip, and a log that is asked for much.
 */
import { describe, expect, test } from 'vitest'
import { decodeMessage, encodeMessage } from '../../protocols/sync/codec.js'
import type { SessionAnswer } from '../../protocols/sync/core/actions.js'
import type { Conversation } from '../../protocols/sync/core/conversation.js'
import { sendDelta } from '../../protocols/sync/core/delta.js'
import type { Message } from '../../protocols/sync/messages.js'
import { register } from '../../store/model/address.js'
import { unknownMember } from '../../store/model/codec.js'
import { Context } from '../../store/model/context.js'
import { actors, modesOf, SessionPair, typesOf, valuesSent } from '../support/session-pair.js'

describe('young differences', () => {
  const apart = () => {
    const pair = new SessionPair()
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

  test('are not united when the session goes on without them, also where the roots are equal then', () => {
    const pair = new SessionPair()
    pair.put(pair.both, 'shared', 'value')
    pair.put([pair.here], 'here', 'value', [], actors[1])
    pair.here.old = pair.here.applied.clone()
    const fleeting = pair.put([pair.there], 'fleeting', 'value')
    pair.put([pair.there], 'fleeting', null, [fleeting.dot])
    const result = pair.sync({ youngOk: true })
    expect(result.outcomes).toMatchObject([
      { provenEqual: true, united: false },
      { provenEqual: true, united: true },
    ])
    expect(pair.here.seen.has(fleeting.dot)).toBe(false)
    pair.sync()
    pair.expectEqual()
  })

  test('do not when the responder has older ones', () => {
    const pair = apart()
    pair.there.old = pair.there.applied.clone()
    expect(valuesSent(pair.sync({ youngOk: true }))).toEqual([1, 1])
    pair.expectEqual()
  })

  test('never hide a difference that no update explains', () => {
    const pair = new SessionPair()
    for (let count = 0; count < 12; count++) pair.put(pair.both, `key-${count}`, 'value')
    pair.here.rot(register('key-5'), Buffer.from('rotten'))
    expect(modesOf(pair.sync({ youngOk: true }))).toEqual(['tree', 'tree'])
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
  const sample = new SessionPair().put([], 'k', 'v')

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
