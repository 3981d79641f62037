/** Names that stand twice in one object of a JSON text are found wherever they are, and nothing else is. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { repeatedName } from '../../store/model/json-names.js'

describe('a repeated name', () => {
  it.each<[string, string | undefined]>([
    ['{"a":1,"a":2}', 'a'],
    ['[{"b":{}},{"b":{"c":1 , "d":[{"c":1}], "c"\n:2}}]', 'c'],
    ['{"a":1,"\\u0061":2}', 'a'],
    ['{"__proto__":1,"__proto__":2}', '__proto__'],
    ['{"\\"":1,"\\\\":2,"\\\\\\"":3}', undefined],
    ['{"a":"a","b":["a","b"],"c":{"a":1}}', undefined],
    ['{"a":"\\",\\"a\\":1"}', undefined],
    ['"a"', undefined],
    ['[]', undefined],
  ])('in %s is %j', (text, name) => {
    expect(repeatedName(text)).toBe(name)
  })

  it('is in no text that was made of values, and in each that one was added to', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.string(), fc.boolean(), (value, name, spaced) => {
        const text = JSON.stringify(value, null, spaced ? 1 : 0)
        expect(repeatedName(text)).toBeUndefined()
        const quoted = JSON.stringify(name)
        expect(repeatedName(`[${text},{${quoted}:${text},"x${name.length}":0,${quoted} : 1}]`)).toBe(name)
      }),
    )
  })

  it('is found in nesting of any depth', () => {
    const depth = 200_000
    expect(repeatedName(`${'['.repeat(depth)}{"a":1,"a":1}${']'.repeat(depth)}`)).toBe('a')
  })
})
