/** Types of data: their numbers, those that are not known here, and what users see of them. */
import { describe, expect, it } from 'vitest'
import { exportLines } from '../../daemon/http/transfer/exporter.js'
import { parseLine } from '../../daemon/http/transfer/import-lines.js'
import { Access } from '../../store/data/access.js'
import { UserData } from '../../store/data/user-data.js'
import { kindOfRow } from '../../store/keyspace.js'
import { type Address, isUserAddress, noField } from '../../store/model/address.js'
import { ByteReader, ByteWriter } from '../../store/model/bytes.js'
import { encodeAddress, readAddress } from '../../store/model/codec.js'
import {
  exportedType,
  isKnownType,
  isMeshType,
  numberedType,
  type Type,
  typeNumber,
  typeOf,
} from '../../store/model/types.js'
import { entryAddress, entryKey } from '../../store/rows/entries.js'
import { FakeMeshView } from '../support/fake-mesh-view.js'
import { type OpenReplica, openNode } from '../support/replicas.js'

const numbers = Array.from({ length: 256 }, (_, number) => number)
const addressOf = (type: Type, key = 'k', field: Uint8Array = noField): Address => ({ key, type, field })

describe('types', () => {
  it('have one name for each number, and one number for each name', () => {
    for (const number of numbers) expect(typeNumber(typeOf(number))).toBe(number)
    expect(new Set(numbers.map(typeOf)).size).toBe(256)
    expect(numbers.map(typeOf).filter(isKnownType)).toEqual(['reg', 'ctr', 'set', 'map', 'doc', 'sys'])
    expect(typeOf(6)).toBe('type-6')
    expect(() => typeOf(256)).toThrow(RangeError)
    for (const text of ['type-5', 'type-256', 'type-06', 'reg2', '']) {
      expect(() => typeNumber(text as Type)).toThrow(RangeError)
    }
  })

  it('stand on the wire and on the disk, whether or not they are known', () => {
    for (const number of numbers) {
      const address = addressOf(typeOf(number), 'a\0b', Buffer.from([0, 1, 255]))
      expect(encodeAddress(address)[0]).toBe(number)
      for (const read of [readAddress(new ByteReader(encodeAddress(address))), entryAddress(entryKey(address))]) {
        expect({ ...read, field: [...read.field] }).toEqual({ ...address, field: [0, 1, 255] })
      }
    }
    expect(() => entryAddress(new ByteWriter().raw(Buffer.from('ek\0\x01')).finish())).toThrow('is damaged')
  })

  it('from 128 on belong to the mesh itself, and with sys stand apart from what users have', () => {
    const ofMesh = numbers.filter((number) => isMeshType(typeOf(number)))
    expect(ofMesh).toEqual([5, ...numbers.slice(128)])
    for (const number of numbers) {
      const address = addressOf(typeOf(number))
      expect(isUserAddress(address)).toBe(!ofMesh.includes(number))
      expect(kindOfRow(entryKey(address))).toBe(ofMesh.includes(number) ? 'system' : 'entry')
    }
  })

  it('are named by their number in exports unless every version knows them', () => {
    expect(numbers.map((number) => exportedType(typeOf(number))).filter((type) => !/^type-\d+$/.test(type))).toEqual([
      'reg',
      'ctr',
      'set',
      'map',
      'doc',
      'sys',
    ])
    expect(['type-6', 'type-255'].map(numberedType)).toEqual(['type-6', 'type-255'])
    for (const text of ['type-0', 'type-1', 'type-5', 'type-256', 'type-06', 'type-', 'zzz', 'reg']) {
      expect(numberedType(text)).toBeUndefined()
    }
  })
})

describe('data of a type that is not known', () => {
  const unknown = addressOf('type-6', 'k', Buffer.from('part'))

  async function open(name: string): Promise<{ node: OpenReplica; data: UserData }> {
    const node = await openNode(name)
    return { node, data: new UserData(new Access(node.replica, () => Buffer.alloc(32, 1))) }
  }

  /** Two versions beside each other, one of them with a deadline and no text. */
  async function fill({ node }: { node: OpenReplica }): Promise<void> {
    await node.replica.transact((transaction) => {
      transaction.put(unknown, Buffer.from('one'), null, [])
      transaction.put(unknown, Buffer.from([0xff, 0x00]), 8e15, [])
      transaction.put(addressOf('type-200', 'record'), Buffer.from('of the mesh'), null, [])
    })
  }

  async function exported(data: UserData): Promise<string> {
    const chunks: Buffer[] = []
    for await (const chunk of exportLines(data.contents, new FakeMeshView(), '')) chunks.push(chunk)
    return Buffer.concat(chunks).toString()
  }

  async function importInto(data: UserData, lines: string): Promise<boolean[]> {
    const news = lines
      .split('\n')
      .filter(Boolean)
      .map(async (line) => {
        const parsed = parseLine(Buffer.from(line), () => 0)
        if (parsed.kind !== 'opaque') throw new Error(parsed.kind)
        return data.contents.importOpaque(parsed.address, parsed.versions)
      })
    return Promise.all(news)
  }

  const values = ({ node }: { node: OpenReplica }) =>
    node.replica.versions(unknown).map(({ value, expiresAtMs }) => [Buffer.from(value).toString('hex'), expiresAtMs])

  it('is listed by its number, hides nothing beside it, and is in no conflict', async () => {
    const one = await open('one')
    await fill(one)
    await one.data.registers.put('k', Buffer.from('v'), {})
    const query = { prefix: '', limit: 10 }
    expect((await one.data.registers.list({ ...query, values: true })).items).toEqual([
      { key: 'k', types: ['reg', 'type-6'], siblings: 1, value: Buffer.from('v') },
    ])
    expect((await one.data.registers.conflicts(query)).items).toEqual([])
  })

  it('is exported as it is stored and imported beside what is there; a second import adds nothing', async () => {
    const [one, two] = [await open('one'), await open('two')]
    await fill(one)
    const lines = await exported(one.data)
    expect(lines.split('\n').filter(Boolean)).toHaveLength(1)
    expect(JSON.parse(lines)).toMatchObject({
      key: 'k',
      type: 'type-6',
      field: 'part',
      versions: [
        { value: 'one', encoding: 'utf8' },
        { value: '/wA=', encoding: 'base64', expires: new Date(8e15).toISOString() },
      ],
    })
    await two.node.replica.transact((transaction) => transaction.put(unknown, Buffer.from('two'), null, []))
    expect(await importInto(two.data, lines)).toEqual([true])
    expect(await importInto(two.data, lines)).toEqual([false])
    expect(values(two).sort()).toEqual(
      [
        ['6f6e65', null],
        ['74776f', null],
        ['ff00', 8e15],
      ].sort(),
    )
    expect(await importInto(one.data, await exported(two.data))).toEqual([true])
    expect(values(one).sort()).toEqual(values(two).sort())
  })

  it('is exported whatever its deadline: one beyond all dates is the last date', async () => {
    const one = await open('one')
    await one.node.replica.transact((transaction) =>
      transaction.put(unknown, Buffer.from('v'), Number.MAX_SAFE_INTEGER, []),
    )
    expect(await exported(one.data)).toContain('"expires":"+275760-09-13T00:00:00.000Z"')
  })

  it('cannot be imported under a name, as a record of the mesh, or as a type that is known by its name', () => {
    for (const type of ['type-200', 'type-1', 'list']) {
      const line = Buffer.from(JSON.stringify({ key: 'k', type, versions: [{ value: 'v' }] }))
      expect(() => parseLine(line, () => 0)).toThrow(`the type '${type}'`)
    }
  })
})
