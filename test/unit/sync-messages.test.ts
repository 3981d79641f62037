/** The codec of sync messages: golden bytes that SPEC.md explains, strictness, bounds. */
import { readFile } from 'node:fs/promises'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeMessage, encodeMessage, UnknownVersion } from '../../protocols/sync/codec.js'
import { baselineOf, diffCapture, patchCapture } from '../../protocols/sync/core/captures.js'
import { pieceBytesMax } from '../../protocols/sync/limits.js'
import type { Message } from '../../protocols/sync/messages.js'
import { Assembly, piecesOf } from '../../protocols/sync/pieces.js'
import { noField, register } from '../../store/model/address.js'
import { DecodeError } from '../../store/model/bytes.js'
import type { MemberTags } from '../../store/model/codec.js'
import { Context } from '../../store/model/context.js'
import type { Capture } from '../../store/replica/types.js'

const alice = '00000000000000a1'
const bob = '00000000000000b2'
const memberOf = (actor: string) => (actor === alice ? 'aaaaaaaaaaaaaaaa' : 'bbbbbbbbbbbbbbbb')
const members = new Map([
  [alice, memberOf(alice)],
  [bob, memberOf(bob)],
])

function capture(seen: [string, number, number][], applied = seen, rootByte = 0x11): Capture {
  const of = (ranges: [string, number, number][]) => {
    const context = new Context()
    for (const range of ranges) context.addRange(...range)
    return context
  }
  return { seen: of(seen), applied: of(applied), members, root: Buffer.alloc(16, rootByte), entries: 3 }
}

const nothingKnown = baselineOf()
const first = capture([[alice, 1, 300]])
const second = capture([
  [alice, 1, 301],
  [bob, 2, 2],
])
const put = {
  dot: { actor: alice, counter: 301 },
  address: register('k'),
  kind: 'put' as const,
  time: { ms: 5, logical: 0 },
  expiresAtMs: null,
  value: Buffer.from('v'),
  supersedes: [{ actor: alice, counter: 300, digest: 'd1'.repeat(8) }],
}

const comparing = 'open that compares alone'

/** SPEC.md walks through these. */
const golden: readonly (readonly [string, Message, string])[] = [
  [
    'open of the initiator',
    {
      type: 'open',
      young: true,
      salt: Buffer.from('0102030405060708', 'hex'),
      capture: diffCapture(first, nothingKnown, memberOf),
    },
    `01 02 01 0102030405060708 ${'11'.repeat(16)} 03 00 01 ${alice} aaaaaaaaaaaaaaaa 01 00 ab02 00`,
  ],
  [
    'open of the responder: what differs alone',
    {
      type: 'open',
      young: false,
      salt: Buffer.from('1112131415161718', 'hex'),
      capture: diffCapture(second, first, memberOf),
    },
    `01 02 00 1112131415161718 ${'11'.repeat(16)} 03 01 00 01 00 ac02 00 01 ${bob} bbbbbbbbbbbbbbbb 01 01 00 00`,
  ],
  [
    comparing,
    {
      type: 'open',
      young: false,
      salt: Buffer.from('0102030405060708', 'hex'),
      capture: diffCapture(second, second, memberOf),
      compares: true,
    },
    `01 02 00 0102030405060708 ${'11'.repeat(16)} 03 00 00 01 00`,
  ],
  [
    'open by a table that holds a1, of which nothing differs',
    {
      type: 'open',
      young: false,
      salt: Buffer.from('0102030405060708', 'hex'),
      capture: diffCapture(first, first, memberOf),
      table: Buffer.alloc(16, 0x33),
    },
    `01 02 00 0102030405060708 ${'11'.repeat(16)} 03 00 00 02 10 ${'33'.repeat(16)}`,
  ],
  [
    'table: digests of 16 parts',
    { type: 'table', answers: [], nodes: [{ kind: 'digests', digests: Buffer.alloc(128, 9) }], actors: [] },
    `0f 00 01 00 ${'09'.repeat(128)} 00`,
  ],
  [
    'table: the first part differs; b2 is all that is there',
    {
      type: 'table',
      answers: [1],
      nodes: [{ kind: 'listing', actors: [{ actor: bob, member: memberOf(bob), seen: [2, 2], applied: [2, 2] }] }],
      actors: [],
    },
    `0f 01 0100 01 01 01 ${bob} bbbbbbbbbbbbbbbb 01 01 00 00 00`,
  ],
  ['busy', { type: 'busy', reason: 'bulk' }, '02 00'],
  ['equal', { type: 'equal', capture: diffCapture(second, second, memberOf) }, `03 ${'11'.repeat(16)} 03 00 00`],
  ['young', { type: 'young', capture: diffCapture(second, second, memberOf) }, `04 ${'11'.repeat(16)} 03 00 00`],
  [
    'delta',
    { type: 'delta', updates: { updates: [put], members: new Map([[alice, memberOf(alice)]]) } },
    `05 01 ${alice} aaaaaaaaaaaaaaaa 01 04 00 ad02 00 01 6b 00 05 00 01 76 01 01 ac02 ${'d1'.repeat(8)}`,
  ],
  ['deltaEnd', { type: 'deltaEnd', unlisted: 2 }, '06 02'],
  [
    'check',
    { type: 'check', descends: true, capture: diffCapture(second, second, memberOf) },
    `07 01 ${'11'.repeat(16)} 03 00 00`,
  ],
  [
    'tree',
    {
      type: 'tree',
      answers: [0x8001],
      nodes: [
        { kind: 'digests', digests: Buffer.alloc(128, 7) },
        { kind: 'listing', digests: Buffer.alloc(8, 9) },
      ],
    },
    `08 01 0180 02 00 ${'07'.repeat(128)} 02 ${'09'.repeat(8)}`,
  ],
  ['wants', { type: 'wants', positions: [0, 3, 4] }, '09 03 00 02 00'],
  [
    'entries: one version whole, one as its dot',
    {
      type: 'entries',
      part: false,
      entries: {
        members,
        entries: [
          {
            address: register('k'),
            updates: [
              put,
              {
                ...put,
                dot: { actor: bob, counter: 2 },
                time: { ms: 0, logical: 0 },
                value: null,
                digest: 'd2'.repeat(8),
                supersedes: [],
              },
            ],
            bare: [{ actor: bob, counter: 2 }],
          },
        ],
      },
    },
    `0a 00 02 ${alice} aaaaaaaaaaaaaaaa ${bob} bbbbbbbbbbbbbbbb 01 00 01 6b 00 02 01 00 ad02 05 00 01 76 01 01 ac02 ${'d1'.repeat(8)} 18 01 02 ${'d2'.repeat(8)}`,
  ],
  ['values', { type: 'values', addresses: [{ key: 'k', type: 'reg', field: noField }] }, '0b 01 00 01 6b 00'],
  ['end', { type: 'end', expecting: true }, '0c 01'],
  [
    'digests',
    { type: 'digests', dots: [{ actor: alice, counter: 7, digest: 'd1'.repeat(8) }] },
    `0d 01 ${alice} aaaaaaaaaaaaaaaa 01 01 07 ${'d1'.repeat(8)}`,
  ],
  [
    'clashes',
    {
      type: 'clashes',
      more: false,
      clashes: [{ address: register('k'), dots: [{ actor: bob, counter: 2, digest: 'd2'.repeat(8) }] }],
    },
    `0e 00 01 ${bob} 0000000000000000 01 00 01 6b 00 01 01 02 ${'d2'.repeat(8)}`,
  ],
]

/** `07{128}` is 128 times that byte. */
const expand = (text: string) =>
  text.replace(/(..)\{(\d+)\}/g, (_, byte: string, count: string) => byte.repeat(Number(count)))
const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex')

describe('messages', () => {
  test.each(golden)('%s: golden bytes', (_, message, bytes) => {
    expect(encodeMessage(message, memberOf).toString('hex')).toBe(hex(bytes).toString('hex'))
    expect(encodeMessage(decodeMessage(hex(bytes)), memberOf).toString('hex')).toBe(hex(bytes).toString('hex'))
  })

  test('SPEC.md shows the same bytes', async () => {
    const spec = await readFile(new URL('../../protocols/sync/SPEC.md', import.meta.url), 'utf8')
    const rows = [...spec.matchAll(/^\| ([^|]+?) +\| `([0-9a-f{} ]+)` +\|$/gm)].map(([, name, bytes]) => [
      name,
      expand(bytes!),
    ])
    expect(rows).toEqual(golden.map(([name, , bytes]) => [name, bytes]))
  })

  test('no golden message may be cut, extended or given another type', () => {
    for (const [name, , text] of golden) {
      const bytes = hex(text)
      for (let length = 0; length < bytes.length; length++) {
        // Without its field it is another message.
        if (name === comparing && length === bytes.length - 2) continue
        // What is left without its field is a whole message.
        if (name.startsWith('open by a table') && length === bytes.length - 18) continue
        expect(() => decodeMessage(bytes.subarray(0, length)), `${name}, ${length} bytes`).toThrow(DecodeError)
      }
      expect(() => decodeMessage(Buffer.concat([bytes, Buffer.of(0)])), name).toThrow(DecodeError)
    }
    expect(() => decodeMessage(Buffer.of(13, 0))).toThrow(DecodeError)
    expect(() => decodeMessage(Buffer.of(0))).toThrow(DecodeError)
  })

  test('another version is told apart from malformed bytes', () => {
    const bytes = hex(golden[0]![2])
    bytes[1] = 3
    expect(() => decodeMessage(bytes)).toThrow(UnknownVersion)
  })

  test('any bytes either decode to a message that encodes to the same bytes, or are refused', () => {
    const mutated = fc.tuple(fc.constantFrom(...golden), fc.array(fc.tuple(fc.nat(300), fc.nat(255)), { maxLength: 4 }))
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), mutated), (input) => {
        const bytes = input instanceof Uint8Array ? Buffer.from(input) : hex(input[0][2])
        if (!(input instanceof Uint8Array)) for (const [at, byte] of input[1]) bytes[at % bytes.length] = byte
        let message: Message
        try {
          message = decodeMessage(bytes)
        } catch (error) {
          expect(error).toBeInstanceOf(DecodeError)
          return
        }
        const tags = membersOf(message)
        const again = encodeMessage(message, (actor) => tags.get(actor) ?? memberOf(actor))
        expect(decodeMessage(again)).toEqual(message)
      }),
      { numRuns: 3_000 },
    )
  })

  test('counts that the bytes cannot hold are refused before anything is allocated for them', () => {
    for (const start of ['08', '08 00', '09', '0b', '05', '0a 00', `03 ${'11'.repeat(16)} 03`]) {
      expect(() => decodeMessage(hex(`${start} ffff3f 00`)), start).toThrow(DecodeError)
    }
  })
})

function membersOf(message: Message): MemberTags {
  if (message.type === 'delta') return message.updates.members
  return message.type === 'entries' ? message.entries.members : new Map()
}

describe('captures', () => {
  const ranges = fc.array(
    fc.tuple(fc.constantFrom(alice, bob, 'c'.repeat(16)), fc.integer({ min: 1, max: 30 }), fc.nat(5)),
    {
      maxLength: 8,
    },
  )
  const captures = fc.tuple(ranges, fc.array(fc.nat(7))).map(([list, hollow]) => {
    const seen = list.map(([actor, from, more]) => [actor, from, from + more] as [string, number, number])
    return capture(
      seen,
      seen.filter((_, at) => !hollow.includes(at)),
    )
  })

  test('a patch on any baseline gives the capture back, and nothing travels when nothing differs', () => {
    fc.assert(
      fc.property(captures, captures, captures, (one, two, mine) => {
        const baseline = baselineOf(one, two)
        const message: Message = { type: 'equal', capture: diffCapture(mine, baseline, memberOf) }
        const read = decodeMessage(encodeMessage(message, memberOf)) as typeof message
        const result = patchCapture(read.capture, baseline)
        expect(result.seen.equals(mine.seen)).toBe(true)
        expect(result.applied.equals(mine.applied)).toBe(true)
        const same = diffCapture(mine, baselineOf(mine), memberOf)
        expect(same).toMatchObject({ changed: [], added: [] })
      }),
    )
  })

  test('counters beyond 32 bits, and up to 2^53, keep their value', () => {
    for (const last of [2 ** 31, 2 ** 32, 2 ** 53 - 3]) {
      const large = capture([[alice, 1, last]])
      const message: Message = { type: 'equal', capture: diffCapture(large, nothingKnown, memberOf) }
      const read = decodeMessage(encodeMessage(message, memberOf)) as typeof message
      expect(patchCapture(read.capture, nothingKnown).seen.lastOf(alice)).toBe(last)
    }
  })

  test('a patch that does not fit its baseline is refused', () => {
    const patch = diffCapture(second, first, memberOf)
    expect(() => patchCapture(patch, nothingKnown)).toThrow(DecodeError)
    expect(() => patchCapture(diffCapture(first, nothingKnown, memberOf), first)).toThrow(DecodeError)
    const beyond = { index: 0, seen: [1, 2], applied: [1, 3] }
    expect(() => patchCapture({ ...patch, changed: [beyond] }, first)).toThrow(DecodeError)
  })
})

describe('pieces', () => {
  test.each([0, 1, pieceBytesMax - 1, pieceBytesMax, pieceBytesMax + 1, 3 * pieceBytesMax])('%i bytes', (length) => {
    const message = Buffer.alloc(length, 0xa5)
    const assembly = new Assembly()
    const frames = [...piecesOf(message)]
    for (const frame of frames.slice(0, -1)) expect(assembly.add(frame)).toBeUndefined()
    expect(Buffer.compare(assembly.add(frames.at(-1)!)!, message)).toBe(0)
    for (const frame of frames) expect(frame.length).toBeLessThanOrEqual(pieceBytesMax + 1)
  })

  test('a frame without a mark, a small piece with more to come, and an endless message are refused', () => {
    expect(() => new Assembly().add(Buffer.alloc(0))).toThrow(DecodeError)
    expect(() => new Assembly().add(Buffer.of(2))).toThrow(DecodeError)
    expect(() => new Assembly().add(Buffer.of(1, 5))).toThrow(DecodeError)
    const assembly = new Assembly()
    const piece = Buffer.alloc(pieceBytesMax + 1, 1)
    expect(() => {
      for (let count = 0; count < 1_000; count++) assembly.add(piece)
    }).toThrow(/over/)
  })
})
