/** Export, import and backups over HTTP. */
import { Readable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { createApi } from '../../daemon/http/app.js'
import { readLines } from '../../daemon/http/transfer/lines.js'
import { importShape } from '../../protocols/api/transfer.js'
import { HearsayError } from '../../store/errors.js'
import { fakeNowMs, fakeServices } from '../support/fake-daemon.js'
import { fakeActor } from '../support/fake-registers.js'
import { fits, ServedApi } from '../support/served-api.js'

const served = new ServedApi()
const { get, post } = served

describe('backups', () => {
  it('are streamed as they are, and kept by nobody on the way', async () => {
    const answer = await get('/v1/backup')
    expect(answer.body).toBe('first second')
    expect(answer.headers['content-type']).toBe('application/vnd.hearsay.backup')
    expect(answer.headers['cache-control']).toBe('no-store')
    expect((await get('/v1/backup?x=1')).json()).toMatchObject({ status: 400, code: 'BAD_REQUEST' })
  })

  it('of a store that is not sound are refused', async () => {
    served.services.backups.refusal = new HearsayError('NOT_VERIFIED', 'not yet')
    expect((await get('/v1/backup')).json()).toMatchObject({ status: 503, code: 'NOT_VERIFIED', detail: 'not yet' })
  })
})

describe('export and import', () => {
  const importLines = (lines: string) => post('/v1/import', lines)

  it('exports every version in the promised shape', async () => {
    served.services.registers.add('b', Buffer.from([0xff]))
    served.services.registers.add('a', Buffer.from('old'))
    served.services.registers.add('a', Buffer.from('new'), undefined, 1_700_000_000_000)
    const answer = await get('/v1/export')
    expect(answer.headers['content-type']).toBe('application/x-ndjson')
    expect(answer.body.endsWith('\n')).toBe(true)
    const lines = answer.body
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
    const rest = (counter: number) => ({
      dot: `${fakeActor}:${counter}`,
      node: 'b',
      time: `1970-01-01T00:00:01.00${counter}Z`,
    })
    expect(lines).toEqual([
      {
        key: 'a',
        type: 'reg',
        versions: [
          { ...rest(3), encoding: 'utf8', value: 'new', expires: '2023-11-14T22:13:20.000Z' },
          { ...rest(2), encoding: 'utf8', value: 'old' },
        ],
      },
      { key: 'b', type: 'reg', versions: [{ ...rest(1), encoding: 'base64', value: '/w==' }] },
    ])
    expect((await get('/v1/export?prefix=b')).body.trimEnd().split('\n')).toHaveLength(1)
    expect((await get('/v1/export?prefix=zz')).body).toBe('')
  })

  it('exports more than a page, and says which values are damaged instead of leaving them out', async () => {
    for (let at = 0; at < 1200; at++) served.services.registers.add(`k${at}`, Buffer.from('x'))
    served.services.registers.damaged.add('k7')
    const lines = (await get('/v1/export')).body.trimEnd().split('\n')
    expect(lines).toHaveLength(1200)
    expect(lines.filter((line) => line.includes('DAMAGED_VALUE'))).toHaveLength(1)
  })

  it('imports what was exported, winner and siblings kept; a second time adds nothing', async () => {
    served.services.registers.add('a', Buffer.from([0xff]))
    served.services.registers.add('a', Buffer.from('new'))
    served.services.registers.add('b', Buffer.from('kept'), undefined, fakeNowMs + 1)
    served.services.registers.add('late', Buffer.from('gone'), undefined, fakeNowMs - 1)
    const lines = (await get('/v1/export')).body
    const other = await fakeServices()
    const target = await createApi(other)
    const send = () => target.inject({ method: 'POST', url: '/v1/import', payload: lines })
    const first = (await send()).json()
    expect(fits(importShape, first)).toBe(true)
    expect(first).toEqual({ imported: 2, skipped: 1, failed: [], failures: 0 })
    expect(other.registers.get('a')!.versions.map(({ value }) => [...value])).toEqual([[...Buffer.from('new')], [0xff]])
    expect(other.registers.get('b')!.versions[0]!.expiresAtMs).toBe(fakeNowMs + 1)
    expect(other.registers.get('late')).toBeUndefined()
    expect((await send()).json()).toMatchObject({ imported: 0, skipped: 3 })
    await target.close()
  })

  it('takes the short form, reports bad lines by number, and imports the rest', async () => {
    const lines = [
      '{"key":"short","value":"x"}',
      '',
      'nonsense',
      '{"key":"bytes","value":"/w==","encoding":"base64"}',
      '{"value":"x"}',
      '{"key":"","value":"x"}',
      '{"key":"k"}',
      '{"key":"k","value":"%","encoding":"base64"}',
      '{"key":"k","type":"ctr","value":"many"}',
      `{"key":"big","value":"${'x'.repeat(1025)}"}`,
      '{"key":"k","versions":[]}',
      '{"key":"k","value":"x","expires":"soon"}',
      '{"key":"last","value":"without a line end"}',
    ]
    const answer = (await importLines(lines.join('\n'))).json()
    expect([answer.imported, answer.skipped, answer.failures]).toEqual([3, 0, 9])
    expect(answer.failed.map(({ line, code }: { line: number; code: string }) => [line, code])).toEqual([
      [3, 'BAD_REQUEST'],
      [5, 'BAD_REQUEST'],
      [6, 'BAD_KEY'],
      [7, 'BAD_REQUEST'],
      [8, 'BAD_REQUEST'],
      [9, 'BAD_REQUEST'],
      [10, 'TOO_LARGE'],
      [11, 'BAD_REQUEST'],
      [12, 'BAD_REQUEST'],
    ])
    expect([...served.services.registers.versions.keys()].sort()).toEqual(['bytes', 'last', 'short'])
  })

  it.each<[string, string]>([
    ['{"key":"k","value":"x","encodng":"base64"}', "the field 'encodng' is not known here"],
    ['{"key":"k","value":"x","flags":0}', "the field 'flags' is not known here"],
    ['{"key":"k","op":"del","value":null}', "the field 'op' is not known here"],
    ['{"key":"k","value":"x","versions":[{"value":"y"}]}', "the field 'value' is not known here"],
    ['{"key":"k","versions":[{"value":"y","tags":[]}]}', "the field 'tags' is not known here"],
    ['{"key":"k","versions":["y"]}', 'a version is not a JSON object'],
    ['{"key":"k","type":"set","member":"m","ttl":"1h"}', "the field 'ttl' is not known here"],
    ['{"key":"k","type":"set","member":{"value":"bQ==","encoding":"hex"}}', "'encoding' is neither"],
    [
      '{"key":"k","type":"set","member":"m","versions":[{"expires":"2030-01-01T00:00:00.000Z"}]}',
      "the field 'expires' is",
    ],
    ['{"key":"k","type":"ctr","value":1,"by":1}', "the field 'by' is not known here"],
    ['{"key":"k","type":"doc","document":{},"value":1}', "the field 'value' is not known here"],
    ['{"key":"k","type":"doc","document":{"a":[{"b":1,"b":2}]}}', "the name 'b' stands twice"],
    ['{"key":"k","value":"x","value":"y"}', "the name 'value' stands twice"],
    ['{"key":"k","value":"x","k\\u0065y":"l"}', "the name 'key' stands twice"],
    ['{"key":"k","value":"x","ttl":30}', "'ttl' is not a duration"],
    ['{"key":"k","value":"x","ttl":"soon"}', 'ttl: '],
    ['{"key":"k","value":"x","ttl":"0s"}', 'ttl: '],
    ['{"key":"k","value":"x","ttl":"1h","expires":"2030-01-01T00:00:00.000Z"}', "'expires' or 'ttl', not both"],
  ])('refuses %s', async (line, message) => {
    const answer = (await importLines(line)).json()
    expect(answer).toMatchObject({ imported: 0, failures: 1, failed: [{ line: 1, code: 'BAD_REQUEST' }] })
    expect(answer.failed[0].message).toContain(message)
    expect(served.services.registers.versions.size).toBe(0)
  })

  it('takes a time to live, lines that end with CRLF, and skips blank ones', async () => {
    const lines =
      '\r\n{"key":"k","value":"x","ttl":"90s"}\r\n  \r\n\t\n{"key":"l","value":"\\"key\\":1","expires":null}\r\n'
    expect((await importLines(lines)).json()).toMatchObject({ imported: 2, failed: [] })
    expect(served.services.registers.get('k')!.versions[0]!.expiresAtMs).toBe(fakeNowMs + 90_000)
    expect(served.services.registers.get('l')!.versions[0]!.expiresAtMs).toBeNull()
  })

  it('refuses a time to live while the clock is far from those of the members', async () => {
    served.services.mesh.clockOff = 3_600_000
    const answer = (await importLines('{"key":"k","value":"x","ttl":"90s"}\n')).json()
    expect(answer).toMatchObject({ status: 503, code: 'CLOCK_OFF' })
    expect(served.services.registers.get('k')).toBeUndefined()
  })

  it('bounds the list of failures, and ends with the store’s own error', async () => {
    const answer = (await importLines('x\n'.repeat(1500))).json()
    expect([answer.failures, answer.failed.length]).toEqual([1500, 1000])
    served.services.registers.failure = new HearsayError('STORE_FAILED', 'the disk failed')
    const failed = await importLines('{"key":"k","value":"x"}\n'.repeat(3))
    expect(failed.json()).toMatchObject({ status: 503, code: 'STORE_FAILED' })
  })

  it('splits lines wherever chunks end, and drops those over the limit', async () => {
    const lines: (string | null)[] = []
    const chunks = ['a', 'b\nc', '\n', '\n', 'toolong', 'er\nfits\nno end'].map((text) => Buffer.from(text))
    for await (const some of readLines(Readable.from(chunks, { objectMode: false }), 6))
      lines.push(...some.map((line) => (line === null ? null : `${line}`)))
    expect(lines).toEqual(['ab', 'c', '', null, 'fits', 'no end'])
  })
})
