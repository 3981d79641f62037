/**
 * Listings and counts of any range of keys, rising and falling, against a sorted list; whatever types the keys have.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Access } from '../../store/data/access.js'
import type { KeyRange } from '../../store/data/scan.js'
import type { ListItem } from '../../store/data/types.js'
import { UserData } from '../../store/data/user-data.js'
import { amount } from '../support/effort.js'
import { openNode } from '../support/replicas.js'

const key = fc.string({
  unit: fc.constantFrom('a', 'b', '\u0000', '\u0001', 'ä', '\uffff', '\u{10000}'),
  minLength: 1,
  maxLength: 4,
})
const range = fc.record(
  { prefix: fc.oneof(fc.constant(''), key), after: key, until: key, reverse: fc.boolean() },
  { requiredKeys: ['prefix'] },
)

const byBytes = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b))

function expected(keys: readonly string[], { prefix, after, until, reverse }: KeyRange): string[] {
  const sign = reverse === true ? -1 : 1
  return keys
    .toSorted((a, b) => sign * byBytes(a, b))
    .filter((one) => one.startsWith(prefix))
    .filter((one) => after === undefined || sign * byBytes(one, after) > 0)
    .filter((one) => until === undefined || sign * byBytes(one, until) <= 0)
}

describe('a range of keys', () => {
  it('is listed page by page and counted, in both orders', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(key, { maxLength: 12 }),
        range,
        fc.integer({ min: 1, max: 4 }),
        async (keys, asked, limit) => {
          const { replica } = await openNode('listing')
          const data = new UserData(new Access(replica, () => Buffer.alloc(32, 1)))
          // Keys of one type, of another, and of both; with more elements than are read before the rest is jumped over.
          for (const [at, one] of keys.entries()) {
            if (at % 3 !== 1) await data.registers.put(one, Buffer.from(one), {})
            if (at % 3 === 0) continue
            const members = at % 4 === 1 ? 70 : 2
            for (let member = 0; member < members; member++) await data.sets.add(one, Buffer.from(`m${member}`), {})
          }
          const types = (one: string) => [['reg'], ['set'], ['reg', 'set']][keys.indexOf(one) % 3]
          const found: ListItem[] = []
          for (let after = asked.after, isOver = false; !isOver; ) {
            const page = await data.registers.list({ ...asked, after, limit, values: false })
            expect(page.items.length).toBeLessThanOrEqual(limit)
            found.push(...page.items)
            isOver = page.next === null
            after = page.next ?? undefined
          }
          const wanted = expected(keys, asked)
          expect(found.map((item) => [item.key, item.types])).toEqual(wanted.map((one) => [one, types(one)]))
          const counted = await data.registers.count(asked)
          expect(counted).toMatchObject({ keys: wanted.length, next: null })
          const having = (type: string) => wanted.filter((one) => types(one)!.includes(type)).length || undefined
          expect([counted.types.get('reg'), counted.types.get('set')]).toEqual([having('reg'), having('set')])
        },
      ),
      { numRuns: amount(20, 60) },
    )
  })
})
