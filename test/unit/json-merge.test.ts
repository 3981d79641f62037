/** The resolver json-merge: examples of what a user gets, and what is left alone. */
import { describe, expect, it } from 'vitest'
import { mergeJson } from '../../store/model/json-merge.js'
import { equalityText, jsonText, readJson } from '../../store/model/json-text.js'
import { jsonDepthMax, jsonMergeBytesMax } from '../../store/model/limits.js'

const merged = (...texts: string[]) => mergeJson(texts.map((text) => Buffer.from(text)))?.toString()
const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth)

describe('json-merge', () => {
  it.each([
    ['objects are united key by key', ['{"a":1,"b":2}', '{"b":2,"c":3}'], '{"a":1,"b":2,"c":3}'],
    ['at every depth', ['{"a":{"x":1}}', '{"a":{"y":{"z":[]}}}'], '{"a":{"x":1,"y":{"z":[]}}}'],
    ['the first decides between scalars', ['{"a":1}', '{"a":2,"b":0}', '{"a":3}'], '{"a":1,"b":0}'],
    ['the first decides between kinds', ['{"a":1,"b":{}}', '{"a":{"x":1},"b":[1]}'], '{"a":1,"b":{}}'],
    ['others of the kind of the first still count', ['{"x":1}', '5', '{"y":2}'], '{"x":1,"y":2}'],
    ['null is a scalar', ['{"a":null}', '{"a":{"x":1}}'], '{"a":null}'],
    ['arrays are united in the order of the first', ['["b","a"]', '["a","c","b"]'], '["b","a","c"]'],
    ['an element stands as often as where it stands most often', ['[1,1,2]', '[1,2,2,2]'], '[1,1,2,2,2]'],
    ['equal elements are known whatever their spelling', ['[{"a":1,"b":1.0}]', '[{"b":10e-1,"a":1}]'], undefined],
    [
      'elements are not united with one another',
      ['[{"id":1,"a":1}]', '[{"id":1,"b":1}]'],
      '[{"id":1,"a":1},{"id":1,"b":1}]',
    ],
    ['keys keep the order of the first', ['{"2":0,"1":0}', '{"0":0}'], '{"2":0,"1":0,"0":0}'],
    ['numbers keep their spelling', ['{"a":9007199254740993}', '{"b":1.10}'], '{"a":9007199254740993,"b":1.10}'],
    [
      'and are not confused beyond 2^53',
      ['[9007199254740992]', '[9007199254740993]'],
      '[9007199254740992,9007199254740993]',
    ],
    ['__proto__ is a key', ['{"__proto__":{"a":1}}', '{"__proto__":{"b":2}}'], '{"__proto__":{"a":1,"b":2}}'],
    ['a lone surrogate stays what it is', ['["\\ud800"]', '["\\u0041"]'], '["\\ud800","A"]'],
  ])('%s', (_, texts, result) => expect(merged(...texts)).toBe(result ?? texts[0]))

  it('keeps the bytes of the first when the others add nothing', () => {
    expect(merged('{ "a" : [ 1, 2 ] }\n', '{"a":[2]}')).toBe('{ "a" : [ 1, 2 ] }\n')
  })

  it.each([
    ['text', 'hello'],
    ['nothing', ''],
    ['a key that stands twice', '{"a":1,"a":1}'],
    ['the same with an escape', '{"a":1,"\\u0061":1}'],
    ['a byte order mark', '\ufeff{}'],
    ['something behind the value', '{} {}'],
    ['a number that is none', '[01]'],
    ['too deep nesting', nested(jsonDepthMax + 1)],
    ['far too deep nesting', nested(500_000)],
  ])('leaves siblings alone: %s', (_, text) => {
    expect(merged('{}', text)).toBeUndefined()
    expect(merged(text, '{}')).toBeUndefined()
  })

  it('leaves siblings alone: bytes that are not UTF-8', () => {
    expect(mergeJson([Buffer.from('{}'), Buffer.from([0x22, 0xff, 0x22])])).toBeUndefined()
  })

  it('takes as much as the limits say, and no more', () => {
    expect(merged(nested(jsonDepthMax), '[1]')).toBe(`${nested(jsonDepthMax).slice(0, -1)},1]`)
    const half = `["${'x'.repeat(jsonMergeBytesMax / 2 - 4)}"]`
    expect(merged(half, half.replace('x', 'y'))).toHaveLength(2 * half.length - 1)
    expect(merged(half, `${half.replace('x', 'y')} `)).toBeUndefined()
  })
})

describe('JSON texts', () => {
  it.each(['1', '-0.10e+5', '"a\\"b\\\\"', '{"":[true,false,null,{}]}', '[[],[1,[2]]]', '"\u2028\\n"'])(
    '%s',
    (text) => {
      expect(JSON.parse(jsonText(readJson(Buffer.from(text))!))).toEqual(JSON.parse(text))
      expect(jsonText(readJson(Buffer.from(` \t\r\n${text} `))!)).toBe(jsonText(readJson(Buffer.from(text))!))
    },
  )

  it.each([
    ['0', '-0', true],
    ['0', '0.000e9', true],
    ['1', '1.0', true],
    ['100', '1e2', true],
    ['120', '12.0E+1', true],
    ['0.001', '1e-3', true],
    ['-1', '1', false],
    ['10', '1', false],
    ['1e999999999999999999', '1e999999999999999998', false],
    ['"1"', '1', false],
    ['null', '"null"', false],
    ['{"a":1,"b":2}', '{"b":2,"a":1}', true],
    ['[1,2]', '[2,1]', false],
  ])('%s and %s: equal %s', (a, b, isEqual) => {
    const [one, two] = [a, b].map((text) => equalityText(readJson(Buffer.from(text))!))
    expect(one === two).toBe(isEqual)
  })

  it('a long row of zeros is read in a moment', () => {
    const text = `1${'0'.repeat(200_000)}1`
    expect(equalityText(readJson(Buffer.from(text))!)).toBe(`${text}e0`)
  })
})
