/** What other programs export, turned into JSON lines: byte for byte, wherever chunks end, with the lines of the source in errors. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { detectFormat, type ImportItem, itemsOf } from '../../cli/client/import-formats.js'
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
      '[\n{"key":"a","value":"MQ=="},\n"text, [",\n{"value":"MQ=="},\n{"key":"b","value":7},\n{"key":},\n,\n{"key":"c","value":"Mw=="}]'
    const all = await items(source)
    expect(sent(all).map(({ key }) => key)).toEqual(['a', 'c'])
    expect(failures(all).map(({ line }) => line)).toEqual([3, 4, 5, 6, 7])
    expect(failures(all).every(({ code }) => code === 'BAD_REQUEST')).toBe(true)
  })

  it('that is cut off, or is no array, or is followed by something, is an error', async () => {
    for (const source of [consul.slice(0, -3), '[', '[{"key":"a","value":""}', '[] x', '{"key":"a"}', ' ']) {
      await expect(items(source, 'consul'), source).rejects.toMatchObject({ code: 'BAD_REQUEST' })
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
  it.each<[string, ReturnType<typeof detectFormat>]>([
    ['{"key":"a","value":"\t"}\n', 'jsonl'],
    ['\n  {"key"', 'jsonl'],
    [' \n[\n', 'consul'],
    ['a\tb\n', 'tsv'],
    ['no tab\na\tb\n', 'jsonl'],
    ['', 'jsonl'],
  ])('of %j is %s', (start, format) => {
    expect(detectFormat(Buffer.from(start))).toBe(format)
  })

  it('is told from its first line however it is cut, a byte order mark or not', async () => {
    for (const mark of ['', '\ufeff']) {
      for (const chunkBytes of [1, 2, 1e9]) {
        expect(sent(await items(`${mark}key\tvalue\n`, 'auto', chunkBytes))).toEqual([{ key: 'key', value: 'value' }])
        expect(sent(await items(`${mark}[{"key":"k","value":"dg=="}]`, 'auto', chunkBytes))).toHaveLength(1)
        expect(sent(await items(`${mark}{"key":"k","value":"v"}`, 'auto', chunkBytes))).toEqual([
          { key: 'k', value: 'v' },
        ])
      }
    }
    expect(sent(await items('{"a"\t1\n', 'tsv'))).toEqual([{ key: '{"a"', value: '1' }])
  })

  it('leaves JSON lines as they are, bad ones too: the daemon judges them', async () => {
    const source = '{}\n\nx\n{"key":"a"}'
    const all = await items(source)
    expect(all.map(({ text }) => text?.toString()).join('')).toBe(`${source}\n`)
    expect(all.map(({ line }) => line)).toEqual([1, 2, 3, 4])
  })
})
