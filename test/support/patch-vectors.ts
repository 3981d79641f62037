/**
 * The examples of RFC 6902 (appendix A) and RFC 7396 (appendix A); those whose root is no object are wrapped where that
 * says the same.
 */
import type { Json } from '../../store/documents/json.js'

/** One example: `expected` is left out when the patch must be refused. */
export interface Vector {
  readonly name: string
  readonly before: Json
  readonly patch: Json
  readonly expected?: Json
}

/** RFC 6902, appendix A. */
export const jsonPatchVectors: readonly Vector[] = [
  {
    name: 'A.1 adding an object member',
    before: { foo: 'bar' },
    patch: [{ op: 'add', path: '/baz', value: 'qux' }],
    expected: { baz: 'qux', foo: 'bar' },
  },
  {
    name: 'A.2 adding an array element',
    before: { foo: ['bar', 'baz'] },
    patch: [{ op: 'add', path: '/foo/1', value: 'qux' }],
    expected: { foo: ['bar', 'qux', 'baz'] },
  },
  {
    name: 'A.3 removing an object member',
    before: { baz: 'qux', foo: 'bar' },
    patch: [{ op: 'remove', path: '/baz' }],
    expected: { foo: 'bar' },
  },
  {
    name: 'A.4 removing an array element',
    before: { foo: ['bar', 'qux', 'baz'] },
    patch: [{ op: 'remove', path: '/foo/1' }],
    expected: { foo: ['bar', 'baz'] },
  },
  {
    name: 'A.5 replacing a value',
    before: { baz: 'qux', foo: 'bar' },
    patch: [{ op: 'replace', path: '/baz', value: 'boo' }],
    expected: { baz: 'boo', foo: 'bar' },
  },
  {
    name: 'A.6 moving a value',
    before: { foo: { bar: 'baz', waldo: 'fred' }, qux: { corge: 'grault' } },
    patch: [{ op: 'move', from: '/foo/waldo', path: '/qux/thud' }],
    expected: { foo: { bar: 'baz' }, qux: { corge: 'grault', thud: 'fred' } },
  },
  {
    name: 'A.7 moving an array element',
    before: { foo: ['all', 'grass', 'cows', 'eat'] },
    patch: [{ op: 'move', from: '/foo/1', path: '/foo/3' }],
    expected: { foo: ['all', 'cows', 'eat', 'grass'] },
  },
  {
    name: 'A.8 testing a value: success',
    before: { baz: 'qux', foo: ['a', 2, 'c'] },
    patch: [
      { op: 'test', path: '/baz', value: 'qux' },
      { op: 'test', path: '/foo/1', value: 2 },
    ],
    expected: { baz: 'qux', foo: ['a', 2, 'c'] },
  },
  { name: 'A.9 testing a value: error', before: { baz: 'qux' }, patch: [{ op: 'test', path: '/baz', value: 'bar' }] },
  {
    name: 'A.10 adding a nested member object',
    before: { foo: 'bar' },
    patch: [{ op: 'add', path: '/child', value: { grandchild: {} } }],
    expected: { foo: 'bar', child: { grandchild: {} } },
  },
  {
    name: 'A.11 ignoring unrecognized elements',
    before: { foo: 'bar' },
    patch: [{ op: 'add', path: '/baz', value: 'qux', xyz: 123 }],
    expected: { foo: 'bar', baz: 'qux' },
  },
  {
    name: 'A.12 adding to a nonexistent target',
    before: { foo: 'bar' },
    patch: [{ op: 'add', path: '/baz/bat', value: 'qux' }],
  },
  { name: 'A.13 invalid JSON patch document', before: { foo: 'bar' }, patch: [{ op: 'transmogrify', path: '/baz' }] },
  {
    name: 'A.14 ~ escape ordering',
    before: { '/': 9, '~1': 10 },
    patch: [{ op: 'test', path: '/~01', value: 10 }],
    expected: { '/': 9, '~1': 10 },
  },
  {
    name: 'A.15 comparing strings and numbers',
    before: { '/': 9, '~1': 10 },
    patch: [{ op: 'test', path: '/~01', value: '10' }],
  },
  {
    name: 'A.16 adding an array value',
    before: { foo: ['bar'] },
    patch: [{ op: 'add', path: '/foo/-', value: ['abc', 'def'] }],
    expected: { foo: ['bar', ['abc', 'def']] },
  },
]

/** RFC 7396, appendix A. */
export const mergePatchVectors: readonly Vector[] = [
  { name: '1', before: { a: 'b' }, patch: { a: 'c' }, expected: { a: 'c' } },
  { name: '2', before: { a: 'b' }, patch: { b: 'c' }, expected: { a: 'b', b: 'c' } },
  { name: '3', before: { a: 'b' }, patch: { a: null }, expected: {} },
  { name: '4', before: { a: 'b', b: 'c' }, patch: { a: null }, expected: { b: 'c' } },
  { name: '5', before: { a: ['b'] }, patch: { a: 'c' }, expected: { a: 'c' } },
  { name: '6', before: { a: 'c' }, patch: { a: ['b'] }, expected: { a: ['b'] } },
  { name: '7', before: { a: { b: 'c' } }, patch: { a: { b: 'd', c: null } }, expected: { a: { b: 'd' } } },
  { name: '8', before: { a: [{ b: 'c' }] }, patch: { a: [1] }, expected: { a: [1] } },
  { name: '9, wrapped', before: { x: ['a', 'b'] }, patch: { x: ['c', 'd'] }, expected: { x: ['c', 'd'] } },
  { name: '10, wrapped', before: { x: { a: 'b' } }, patch: { x: ['c'] }, expected: { x: ['c'] } },
  { name: '11', before: { a: 'foo' }, patch: null },
  { name: '12', before: { a: 'foo' }, patch: 'bar' },
  { name: '13', before: { e: null }, patch: { a: 1 }, expected: { e: null, a: 1 } },
  { name: '14, wrapped', before: { x: [1, 2] }, patch: { x: { a: 'b', c: null } }, expected: { x: { a: 'b' } } },
  { name: '15', before: {}, patch: { a: { bb: { ccc: null } } }, expected: { a: { bb: {} } } },
]
