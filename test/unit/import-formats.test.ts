/**
 * What other programs export, turned into JSON lines: byte for byte, wherever chunks end, with the lines of the source
 * in errors.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { detect, type ImportFormat } from '../../cli/client/import-detection.js'
import { type ImportItem, itemsOf } from '../../cli/client/import-formats.js'
import { elementsOf } from '../../cli/client/json-array.js'

type Format = Parameters<typeof itemsOf>[1]

async function items(source: string | Buffer, format: Format = 'auto', chunkBytes = 1e9): Promise<ImportItem[]> {
  const all: ImportItem[] = []
  for await (const item of itemsOf(chunksOf(Buffer.from(source as string), chunkBytes), format)) all.push(item)
  return all
}

function chunksOf(bytes: Buffer, chunkBytes: number): Buffer[] {
  const chunks = []
  for (let at = 0; at < bytes.length; at += chunkBytes) chunks.push(bytes.subarray(at, at + chunkBytes))
  return chunks
}

const sent = (all: readonly ImportItem[]) => all.flatMap(({ text }) => (text ? [JSON.parse(text.toString())] : []))
const failures = (all: readonly ImportItem[]) =>
  all.flatMap(({ line, failure }) => (failure ? [{ line, ...failure }] : []))

/** As `consul kv export` writes it. */
const consul = `[
\t{
\t\t"key": "a/folder/",
\t\t"flags": 0,
\t\t"value": ""
\t},
\t{
\t\t"key": "with \\"quotes\\", [brackets] and \\\\",
\t\t"flags": 42,
\t\t"value": "AP8="
\t},
\t{
\t\t"key": "none",
\t\t"flags": 0,
\t\t"value": null
\t}
]
`

describe('consul kv export', () => {
  it('becomes a line for each entry, wherever chunks end', async () => {
    for (const chunkBytes of [1, 3, 16, 1e9]) {
      const all = await items(consul, 'auto', chunkBytes)
      expect(sent(all)).toEqual([
        { key: 'a/folder/', value: '', encoding: 'base64' },
        { key: 'with "quotes", [brackets] and \\', value: 'AP8=', encoding: 'base64' },
        { key: 'none', value: '', encoding: 'base64' },
      ])
      expect(all.map(({ line }) => line)).toEqual([2, 7, 12])
      expect(all.map(({ hasFlags }) => hasFlags)).toEqual([false, true, false])
      expect(all.at(-1)?.sourceBytes).toBe(consul.length - 2)
    }
    expect(await items('[]')).toEqual([])
    expect(await items(' [ \n ] \n')).toEqual([])
  })

  it('names entries that are none by their line, and goes on behind them', async () => {
    const source =
      '[\n{"key":"a","flags":0,"value":"MQ=="},\n"text, [",\n{"value":"MQ=="},\n{"key":"b","value":7},\n{"key":},\n,\n{"key":"d","value":"MQ==","value":"Mg=="},\n{"key":"e","namespace":"n","value":"MQ=="},\n{"key":"c","value":"Mw=="}]'
    const all = await items(source)
    expect(sent(all).map(({ key }) => key)).toEqual(['a', 'c'])
    expect(failures(all).map(({ line }) => line)).toEqual([3, 4, 5, 6, 7, 8, 9])
    expect(failures(all).slice(-2)).toMatchObject([
      { message: 'the name \'value\' stands twice in "d"' },
      { message: 'the field \'namespace\' of "e" has no place here' },
    ])
    expect(failures(all).every(({ code }) => code === 'BAD_REQUEST')).toBe(true)
  })

  it('that is cut off, or is no array, or is followed by something, is an error', async () => {
    for (const source of [consul.slice(0, -3), '[', '[{"key":"a","value":""}', '[] x', ' ']) {
      await expect(items(source, 'consul'), source).rejects.toMatchObject({ code: 'BAD_REQUEST' })
    }
  })

  it('may stand one entry a line', async () => {
    const lines = '{"key":"a","flags":0,"value":"MQ=="}\r\n\r\n{"key":"b","flags":1,"value":"AP8="}\n{"value":""}'
    for (const format of ['auto', 'consul'] as const) {
      const all = await items(lines, format)
      expect(sent(all)).toEqual([
        { key: 'a', value: 'MQ==', encoding: 'base64' },
        { key: 'b', value: 'AP8=', encoding: 'base64' },
      ])
      expect(failures(all).map(({ line }) => line)).toEqual([4])
    }
  })

  it('gives back any array, cut anywhere', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.json()),
        fc.integer({ min: 1, max: 20 }),
        fc.boolean(),
        async (texts, chunkBytes, wide) => {
          const source = wide ? `[\n ${texts.join(' ,\n ')}\n]\n` : `[${texts.join(',')}]`
          const found: unknown[] = []
          async function* chunks() {
            yield* chunksOf(Buffer.from(source), chunkBytes)
          }
          for await (const { text } of elementsOf(chunks())) found.push(JSON.parse(text.toString()))
          expect(found).toEqual(texts.map((text) => JSON.parse(text)))
        },
      ),
    )
  })
})

describe('key, tab, value', () => {
  it('keeps everything behind the first tab, and bytes that are no text', async () => {
    const source = Buffer.concat([
      Buffer.from('a\t1\nb\ttwo\tand more \r\n\nempty\t\n'),
      Buffer.from('bytes\t'),
      Buffer.from([0xff, 0x00]),
      Buffer.from('\nlast\tno line end'),
    ])
    for (const chunkBytes of [1, 5, 1e9]) {
      const all = await items(source, 'auto', chunkBytes)
      expect(sent(all)).toEqual([
        { key: 'a', value: '1' },
        { key: 'b', value: 'two\tand more ' },
        { key: 'empty', value: '' },
        { key: 'bytes', value: '/wA=', encoding: 'base64' },
        { key: 'last', value: 'no line end' },
      ])
      expect(all.map(({ line }) => line)).toEqual([1, 2, 4, 5, 6])
    }
  })

  it('names lines that are none', async () => {
    const all = await items(Buffer.concat([Buffer.from('a\t1\nno tab\n'), Buffer.from([0xff, 0x09, 0x31, 0x0a])]))
    expect(failures(all)).toEqual([
      { line: 2, code: 'BAD_REQUEST', message: 'there is no tab between key and value' },
      { line: 3, code: 'BAD_KEY', message: 'the key is not UTF-8' },
    ])
    expect(sent(all)).toEqual([{ key: 'a', value: '1' }])
  })
})

describe('the form of a file', () => {
  it.each<[string, ImportFormat]>([
    ['{"key":"a","value":"\t"}\n', 'jsonl'],
    ['\n \r\n {"value":"v","key":"a"}', 'jsonl'],
    ['{"type":"doc","document":{"flags":{"key":1}},"key":"a"}', 'jsonl'],
    ['{"key":"a","value":', 'jsonl'],
    [' \n[ {"flags":0, "value":"", "key":"a"}', 'consul'],
    ['[{"key":"a","flags":0,"value":"cut', 'consul'],
    ['{"key":"a","flags":0,"value":""}\n', 'consul'],
    ['[]', 'consul'],
    ['a\tb\n', 'tsv'],
    ['\r\n"a"\tb', 'tsv'],
    ['', 'jsonl'],
    ['\n \n', 'jsonl'],
  ])('of %j is %s', (start, format) => {
    expect(detect(Buffer.from(start), true)).toEqual({ format })
  })

  const utf16 = (text: string, mark = '') => Buffer.from(mark + text, 'utf16le')
  it.each<[string, string | Buffer, RegExp]>([
    ['an array of the short form', '[{"key":"a","value":"MQ=="}]', /no export of Consul.*'flags'.*jq -c/],
    ['an array of texts', '["a","b"]', /JSON array, but not of objects/],
    ['an array that is cut off', '[', /ends before its first entry/],
    ['key, tab, value that begins with a bracket', '[a]\t1\n', /begins with \[ and has a tab/],
    ['key, tab, value that begins with a brace', '{a}\t1\n', /begins with \{ and has a tab/],
    ['an object without key', '{"name":"a","value":"1"}\n', /no 'key' \(it has name, value\)/],
    ["Consul's HTTP API", '[{"LockIndex":0,"Key":"a","Flags":0,"Value":"MQ=="}]', /`consul kv export` prints/],
    ['etcd', '{"header":{},"kvs":[{"key":"YQ==","value":"MQ=="}],"count":1}', /answer of etcd: jq -c/],
    ['UTF-16', utf16('a\t1\n', '\ufeff'), /UTF-16: iconv/],
    ['UTF-16 without a mark', utf16('a\t1\n'), /UTF-16: iconv/],
    ['gzip', Buffer.from([0x1f, 0x8b, 8, 0]), /gunzip -c/],
    ['Redis', Buffer.from('REDIS0011\xfa', 'latin1'), /dump of Redis/],
    ['a backup', Buffer.from([0x89, 0x48, 0x53, 0x42, 0x0d, 0x0a, 0x1a, 0x0a, 1]), /hearsay restore FILE/],
    ['SQL', '-- a dump\nINSERT INTO t VALUES (1);\n', /looks like SQL/],
    ['XML', '<entries>\n', /XML or HTML/],
    ['comma-separated', 'a,1\n', /write a tab in place of the first comma/],
    ['base64', 'MQ==\n', /has no tab between key and value/],
  ])('of %s is refused with a way on', async (_, source, message) => {
    const error = await items(source as string).then(
      () => undefined,
      (thrown: Error) => thrown,
    )
    expect(error).toMatchObject({ code: 'BAD_REQUEST' })
    expect(error?.message).toMatch(message)
    expect(error?.message).toContain('--format jsonl, consul or tsv')
    expect(await items(source as string, 'auto', 3).catch((thrown: Error) => thrown.message)).toBe(error?.message)
  })

  it('that is named is taken as it is, but for UTF-16', async () => {
    expect(sent(await items('[a]\t1\n', 'tsv'))).toEqual([{ key: '[a]', value: '1' }])
    expect(sent(await items('{"a"\t1\n', 'tsv'))).toEqual([{ key: '{"a"', value: '1' }])
    expect(sent(await items('[{"key":"a","value":"MQ=="}]', 'consul'))).toHaveLength(1)
    for (const format of ['jsonl', 'consul', 'tsv'] as const) {
      await expect(items(utf16('a\t1\n', '\ufeff') as never, format)).rejects.toMatchObject({ code: 'BAD_REQUEST' })
    }
  })

  it('is told from its first entry however it is cut, a byte order mark or not', async () => {
    for (const mark of ['', '\ufeff']) {
      for (const chunkBytes of [1, 2, 1e9]) {
        expect(sent(await items(`${mark}key\tvalue\n`, 'auto', chunkBytes))).toEqual([{ key: 'key', value: 'value' }])
        expect(sent(await items(`${mark}[{"key":"k","flags":0,"value":"dg=="}]`, 'auto', chunkBytes))).toHaveLength(1)
        expect(sent(await items(`${mark}{"key":"k","value":"v"}`, 'auto', chunkBytes))).toEqual([
          { key: 'k', value: 'v' },
        ])
      }
    }
  })

  it('is told of entries longer than what is looked at', async () => {
    const value = 'x'.repeat(3 * 1024 * 1024)
    expect(sent(await items(`{"key":"k","value":"${value}"}`, 'auto', 65_536))).toEqual([{ key: 'k', value }])
    const [entry] = sent(await items(`[{"key":"k","flags":0,"value":"${value}"}]`, 'auto', 65_536))
    expect(entry).toEqual({ key: 'k', value, encoding: 'base64' })
  })

  it('leaves JSON lines as they are, bad ones too: the daemon judges them', async () => {
    const source = '{"key":"b"}\n\nx\n{"key":"a"}'
    const all = await items(source)
    expect(all.map(({ text }) => text?.toString()).join('')).toBe(`${source}\n`)
    expect(all.map(({ line }) => line)).toEqual([1, 2, 3, 4])
  })
})
