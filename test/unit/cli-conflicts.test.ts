/** Showing and resolving conflicts against a fake daemon: outputs byte for byte, exit codes, errors. */
import { afterEach, describe, expect, test } from 'vitest'
import { conflictAnswer, resolvedAnswer } from '../support/answers.js'
import type { Recorded } from '../support/fake-api.js'
import { against, stopFakes } from '../support/run-against.js'

afterEach(stopFakes)

describe('conflicts and resolve', () => {
  const page = { body: { items: [conflictAnswer], next: null } }
  const answer = ({ method }: Recorded) => (method === 'GET' ? page : { body: resolvedAnswer })

  test('conflicts lists the siblings, numbered', async () => {
    const ran = await against(page, ['conflicts'])
    expect(ran.text).toMatch(/^k {2}2 siblings\n {2}\[1\] one .*alpha.*\n {2}\[2\] two\\n .*beta.*\n$/)
    expect(JSON.parse((await against(page, ['conflicts', '--json'])).text)).toEqual(conflictAnswer)
  })

  test.each([
    [['--pick', '2'], { pick: 2 }],
    [['--value', 'both'], { value: 'both', encoding: 'utf8' }],
  ])('resolve %j passes the context of what is there', async (flags, choice) => {
    const ran = await against(answer, ['resolve', 'k', ...flags])
    expect(ran).toMatchObject({ exit: 0, text: 'resolved k\n' })
    expect(ran.requests[1]).toMatchObject({ method: 'POST', url: '/v1/conflicts/k' })
    expect(JSON.parse(ran.requests[1]!.body.toString())).toEqual({ ...choice, context: 'both' })
  })

  test('resolve --merge needs no conflict: what a resolver merges is none', async () => {
    const ran = await against({ body: resolvedAnswer }, ['resolve', 'k', '--merge'])
    expect(ran).toMatchObject({ exit: 0, text: 'resolved k\n' })
    expect(ran.requests.map(({ method, body }) => [method, JSON.parse(body.toString())])).toEqual([
      ['POST', { merge: true }],
    ])
  })

  test('resolve takes a context read earlier', async () => {
    const ran = await against(answer, ['resolve', 'k', '--pick', '1', '--context', 'earlier'])
    expect(JSON.parse(ran.requests[1]!.body.toString()).context).toBe('earlier')
  })

  test.each([[['--pick', '3']], [['--pick', '0']], [['--pick', '1', '--merge']], [[]]])(
    'resolve %j settles nothing: exit 2',
    async (flags) => {
      const ran = await against(answer, ['resolve', 'k', ...flags])
      expect(ran.exit).toBe(2)
      expect(ran.requests.filter(({ method }) => method === 'POST')).toEqual([])
    },
  )

  test('resolve of a key that is not in conflict: exit 3, also when a longer key is', async () => {
    const other = { body: { items: [{ ...conflictAnswer, key: 'k2' }], next: null } }
    expect(await against(other, ['resolve', 'k', '--pick', '1'])).toMatchObject({ exit: 3 })
  })

  test('resolve --undo brings the siblings of a key or a field back', async () => {
    const undone = { body: { key: 'k', context: 'both', dots: ['a:2', 'a:3'] } }
    const ran = await against(undone, ['resolve', 'k', '--undo'])
    expect(ran).toMatchObject({ exit: 0, text: 'undone: k has 2 siblings again\n' })
    expect(ran.requests.map(({ method, url }) => [method, url])).toEqual([['POST', '/v1/undo/k']])
    const field = await against(undone, ['resolve', 'k', '--undo', '--field', 'f', '--json'])
    expect(JSON.parse(field.requests[0]!.body.toString())).toEqual({ field: 'f' })
    expect(JSON.parse(field.text)).toEqual(undone.body)
  })

  test.each([[['--pick', '1']], [['--merge']], [['--context', 'c']]])(
    'resolve --undo with %j: exit 2',
    async (flags) => {
      const ran = await against({ body: resolvedAnswer }, ['resolve', 'k', '--undo', ...flags])
      expect([ran.exit, ran.requests]).toEqual([2, []])
    },
  )
})
