/** Undo of resolutions over the API: by token, by key, of fields, and what is not kept. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { undoBytesMax, undosKept } from '../../daemon/http/limits.js'
import { UndoLog } from '../../daemon/http/undo-log.js'
import { type ApiServer, ask, startApiServer } from '../support/api-server.js'

let server: ApiServer
beforeAll(async () => {
  server = await startApiServer({}, true)
})
afterAll(() => server.close())

const post = (path: string, body: object) => ask(server, { method: 'POST', path, body: JSON.stringify(body) })
const values = async (path: string) => {
  const answer = await ask(server, { path, headers: { accept: 'application/json' } })
  return (answer.json().versions as { value: string }[]).map(({ value }) => value)
}
/** Two siblings: the second put has an old view. */
async function conflictAt(path: string): Promise<void> {
  const put = (body: string, headers = {}) => ask(server, { method: 'PUT', path, body, headers })
  const context = String((await put('old')).json().context)
  await put('left', { 'hearsay-context': context })
  await put('right', { 'hearsay-context': context })
}

describe('an undo', () => {
  it('by the token of the resolution brings the siblings back, once', async () => {
    await conflictAt('/v1/kv/k')
    const before = await values('/v1/kv/k')
    expect(before).toHaveLength(2)
    const resolved = await post('/v1/conflicts/k', { pick: 1 })
    expect(await values('/v1/kv/k')).toHaveLength(1)
    const { undo } = resolved.json()
    const undone = await post('/v1/undo/k', { undo })
    expect([undone.status, (undone.json().dots as string[]).length]).toEqual([200, 2])
    expect(await values('/v1/kv/k')).toEqual(before)
    const again = await post('/v1/undo/k', { undo })
    expect([again.status, again.json().code]).toEqual([404, 'NOT_FOUND'])
  })

  it('without a token takes the last resolution of the key, and of a field that of the field', async () => {
    await conflictAt('/v1/maps/m/f')
    const before = await values('/v1/maps/m/f')
    await post('/v1/conflicts/m', { value: 'both', field: 'f' })
    expect((await post('/v1/undo/m', {})).status).toBe(404)
    expect((await post('/v1/undo/other', { field: 'f' })).status).toBe(404)
    expect((await post('/v1/undo/m', { field: 'f' })).status).toBe(200)
    expect(await values('/v1/maps/m/f')).toEqual(before)
  })

  it('after a newer write is refused with 409', async () => {
    await conflictAt('/v1/kv/n')
    await post('/v1/conflicts/n', { pick: 2 })
    await ask(server, { method: 'PUT', path: '/v1/kv/n', body: 'newer' })
    const undone = await post('/v1/undo/n', {})
    expect([undone.status, undone.json().code]).toEqual([409, 'STALE_CONTEXT'])
    expect(await values('/v1/kv/n')).toEqual(['newer'])
  })
})

describe('the log of resolutions', () => {
  const written = (counter: number, bytes: number) => ({
    dot: { actor: 'aa', counter },
    context: '',
    settled: [{ value: Buffer.alloc(bytes), expiresAtMs: null }],
  })

  it('keeps the last ones', () => {
    const log = new UndoLog()
    const tokens = Array.from({ length: undosKept + 1 }, (_, at) => log.note(`k${at}`, undefined, written(at, 1))!)
    expect(log.find('k0', undefined, tokens[0])).toBeUndefined()
    expect(log.find('k1', undefined, tokens[1])?.dot.counter).toBe(1)
    expect(log.find('k1', undefined, tokens[2])).toBeUndefined()
  })

  it('keeps a bounded number of bytes, and refuses what is larger alone', () => {
    const log = new UndoLog()
    log.note('first', undefined, written(1, undoBytesMax / 2))
    log.note('second', undefined, written(2, undoBytesMax / 2))
    expect(log.find('first', undefined, undefined)).toBeDefined()
    log.note('third', undefined, written(3, 1))
    expect(log.find('first', undefined, undefined)).toBeUndefined()
    expect(log.find('second', undefined, undefined)).toBeDefined()
    expect(log.note('large', undefined, written(4, undoBytesMax + 1))).toBeNull()
  })

  it('answers a retry with the token of the resolution that it repeats', () => {
    const log = new UndoLog()
    const token = log.note('k', undefined, written(1, 1))
    expect(log.note('k', undefined, { dot: { actor: 'aa', counter: 1 }, context: '' })).toBe(token)
  })
})
