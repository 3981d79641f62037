/** The mesh and its conflicts over HTTP. */
import { beforeEach, describe, expect, it } from 'vitest'
import { conflictsShape } from '../../protocols/api/conflicts.js'
import { writtenShape } from '../../protocols/api/kv.js'
import { diffShape, sessionsShape } from '../../protocols/api/mesh.js'
import { counter, document, register, setMember } from '../../store/model/address.js'
import { increment } from '../../store/model/counter.js'
import { fakeActor } from '../support/fake-registers.js'
import { fits, ServedApi } from '../support/served-api.js'

const served = new ServedApi()
const { get, post } = served

describe('the mesh', () => {
  it('shows the status to the letter', async () => {
    const status = (await get('/v1/status')).json()
    expect(status).toEqual({
      node: 'a',
      peer: 'peer-a',
      actor: fakeActor,
      version: '0.1.0',
      entries: 7,
      root: 'ab'.repeat(16),
      context: 'cd'.repeat(16),
      conflicts: 1,
      verified: true,
      verification: null,
      log: { bytes: 0 },
      addresses: ['/ip4/127.0.0.1/tcp/7400'],
      blocked: [],
      warnings: ['store warning', 'mesh warning'],
      members: [
        {
          name: 'b',
          peer: 'peer-b',
          connected: true,
          blocked: false,
          converged: false,
          behind: 3,
          ahead: 1,
          lastSeen: '2023-11-14T22:13:20.123Z',
          lastEqual: null,
          hints: { updates: 3, bytes: 99, since: '2023-11-14T22:13:20.000Z' },
          addresses: ['/ip4/127.0.0.1/tcp/7401'],
          version: '0.1.0',
          clockOffsetMs: -2,
          root: '0badcafe',
          hears: [],
        },
      ],
    })
    expect((await get('/v1/members')).json()).toEqual({ members: status.members })
  })

  it('compares with a peer, and shows what stands on each side', async () => {
    const at = { ms: 1_700_000_000_000, logical: 0 }
    const version = (counter: number, value: string | null) => ({
      dot: { actor: fakeActor, counter },
      member: 'bbbbbbbbbbbbbbbb',
      time: { ms: at.ms + counter, logical: 0 },
      expiresAtMs: null,
      value: value === null ? null : Buffer.from(value),
    })
    served.services.mesh.differences = [
      { address: register('a'), here: [version(1, 'old'), version(2, 'new')], there: [] },
      { address: setMember('s', Buffer.of(255)), here: [], there: [version(3, '')] },
      { address: document('z'), here: [version(4, 'bytes')], there: [version(5, null)] },
    ]
    const answer = (await get('/v1/diff/b')).json()
    expect(fits(diffShape, answer)).toBe(true)
    const shown = (counter: number, value: string | null) => ({
      dot: `${fakeActor}:${counter}`,
      node: 'b',
      time: new Date(at.ms + counter).toISOString(),
      expires: null,
      value,
      encoding: value === null ? null : 'utf8',
    })
    expect(answer).toEqual({
      peer: 'b',
      keys: [
        { key: 'a', type: 'reg', field: '', here: { versions: [shown(2, 'new'), shown(1, 'old')] }, there: null },
        {
          key: 's',
          type: 'set',
          field: '/w==',
          fieldEncoding: 'base64',
          here: null,
          there: { versions: [shown(3, '')] },
        },
        {
          key: 'z',
          type: 'doc',
          field: '',
          here: { versions: [shown(4, null)] },
          there: { versions: [shown(5, null)] },
        },
      ],
      more: false,
    })
    expect((await get('/v1/diff/b?limit=1')).json()).toMatchObject({ keys: [{ key: 'a' }], more: true })
    expect(await get('/v1/diff/nobody')).toMatchObject({ statusCode: 404 })
    expect((await get('/v1/diff/far')).json()).toMatchObject({ status: 502, code: 'UNREACHABLE' })
    expect((await get('/v1/diff/b?limit=1001')).statusCode).toBe(400)
  })

  it('shows what a counter comes to on each side', async () => {
    const { mesh } = served.services
    const dot = { actor: fakeActor, counter: 1 }
    const side = { dot, member: '', time: { ms: 1, logical: 0 }, expiresAtMs: null }
    const run = increment([], dot, side.time, 5).value
    mesh.differences = [{ address: counter('n'), here: [{ ...side, value: run }], there: [{ ...side, value: null }] }]
    const [difference] = (await get('/v1/diff/b')).json().keys
    expect([difference.here.counter, difference.there.counter]).toEqual([5, undefined])
  })

  it('invites and joins', async () => {
    expect((await post('/v1/invite')).json()).toEqual({ token: 'hearsay-token' })
    expect((await post('/v1/join', { token: ' good\n' })).json()).toEqual({ node: 'a', peer: 'peer-a' })
    expect(served.services.mesh.calls).toEqual([['join', 'good']])
    expect((await post('/v1/join', { token: 'bad' })).json()).toMatchObject({ status: 400, code: 'BAD_TOKEN' })
    expect((await post('/v1/join', { token: 'far' })).json()).toMatchObject({ status: 502, code: 'UNREACHABLE' })
    for (const body of [undefined, {}, { token: 1 }, { token: 'x', more: 1 }, '[', '"x"']) {
      expect((await post('/v1/join', body)).json()).toMatchObject({ status: 400, code: 'BAD_REQUEST' })
    }
  })

  it('forgets a member, by a name that may hold anything', async () => {
    const forget = (name: string) => served.api.inject({ method: 'DELETE', url: `/v1/members/${name}` })
    expect((await forget('b')).statusCode).toBe(204)
    expect((await forget('x%2Fy')).json()).toMatchObject({ status: 404, code: 'NOT_FOUND' })
    expect(served.services.mesh.calls).toEqual([
      ['forget', 'b'],
      ['forget', 'x/y'],
    ])
  })

  it('blocks and unblocks', async () => {
    expect((await post('/v1/block', { peers: ['b'] })).json()).toEqual({ blocked: ['b'] })
    expect((await post('/v1/block', { peers: ['c'] })).json().code).toBe('NOT_FOUND')
    for (const body of [undefined, { peers: [] }, { peers: 'b' }, { peers: [''] }]) {
      expect((await post('/v1/block', body)).statusCode).toBe(400)
    }
    expect((await post('/v1/unblock', { peers: ['b'] })).json()).toEqual({ blocked: [] })
    await post('/v1/block', { peers: ['b'] })
    expect((await post('/v1/unblock')).json()).toEqual({ blocked: [] })
  })

  it('syncs with one peer or all', async () => {
    const answer = (await post('/v1/sync', { peer: 'b' })).json()
    expect(answer.sessions).toHaveLength(1)
    expect(fits(sessionsShape, answer)).toBe(true)
    // A session of three turns is one and a half round trips.
    expect(fits(sessionsShape, { sessions: [{ ...answer.sessions[0], roundTrips: 1.5 }] })).toBe(true)
    expect((await post('/v1/sync')).statusCode).toBe(200)
    expect((await post('/v1/sync', { peer: 'c' })).json().code).toBe('NOT_FOUND')
    expect(served.services.mesh.calls.map(([, peer]) => peer)).toEqual(['b', undefined, 'c'])
  })

  it('waits, and says TIMED_OUT when it did not come true', async () => {
    expect((await get('/v1/wait?peers=2&converged=true&timeout=1500ms')).json()).toEqual({ ok: true })
    expect(served.services.mesh.calls).toEqual([['wait', { peers: 2, converged: true, timeoutMs: 1500 }]])
    served.services.mesh.waits = false
    expect((await get('/v1/wait')).json()).toMatchObject({
      status: 504,
      code: 'TIMED_OUT',
      detail: 'what was waited for did not happen in time: b has been away for 59 s',
      waitingFor: 'b has been away for 59 s',
      missing: [{ name: 'b', peer: 'b', reason: 'away', awayMs: 59_200, behind: 3 }],
    })
    expect((await get('/v1/wait?peers=-1')).statusCode).toBe(400)
  })

  it('says who holds a key', async () => {
    served.services.registers.add('k', Buffer.from('x'))
    const lists = { nodes: ['a'], missing: ['c'], unknown: ['b'] }
    expect((await get('/v1/where/k')).json()).toEqual({ key: 'k', dot: `${fakeActor}:1`, ...lists })
    expect((await get('/v1/where/none')).json().code).toBe('NOT_FOUND')
  })
})

describe('conflicts', () => {
  beforeEach(() => {
    served.services.registers.add('quiet', Buffer.from('x'))
    for (const key of ['k1', 'k2'])
      for (const value of ['old', 'new']) served.services.registers.add(key, Buffer.from(value))
  })

  it('are listed with every version, in pages', async () => {
    const page = (await get('/v1/conflicts?limit=1')).json()
    expect(fits(conflictsShape, page)).toBe(true)
    expect(page).toMatchObject({
      items: [{ key: 'k1', type: 'reg', field: '', context: expect.any(String) }],
      next: 'k1',
    })
    expect(page.items[0].versions[0]).toEqual({
      dot: `${fakeActor}:3`,
      node: 'b',
      time: '1970-01-01T00:00:01.003Z',
      expires: null,
      size: 3,
      value: 'new',
      encoding: 'utf8',
    })
    const rest = (await get('/v1/conflicts?after=k1')).json()
    expect([rest.items.map((item: { key: string }) => item.key), rest.next]).toEqual([['k2'], null])
    expect((await get('/v1/conflicts?prefix=q')).json()).toEqual({ items: [], next: null })
  })

  it('are settled by number or by value', async () => {
    const context = served.services.registers.get('k1')!.context
    const answer = (await post('/v1/conflicts/k1', { pick: 2, context })).json()
    expect(fits(writtenShape, answer)).toBe(true)
    expect(served.services.registers.get('k1')!.versions.map(({ value }) => `${value}`)).toEqual(['old'])
    await post('/v1/conflicts/k2', { value: '/w==', encoding: 'base64' })
    expect(served.services.registers.get('k2')!.versions.map(({ value }) => value)).toEqual([Buffer.from([0xff])])
  })

  it('refuses what is stale, malformed or too large', async () => {
    const context = served.services.registers.get('k1')!.context
    served.services.registers.add('k1', Buffer.from('newer'))
    expect((await post('/v1/conflicts/k1', { pick: 1, context })).json()).toMatchObject({
      status: 409,
      code: 'STALE_CONTEXT',
    })
    const bad = [
      {},
      { pick: 0 },
      { pick: 1, value: 'x' },
      { value: '%%', encoding: 'base64' },
      { merge: false },
      { value: '\ud800' },
    ]
    for (const body of bad) {
      expect((await post('/v1/conflicts/k1', body)).json()).toMatchObject({ status: 400, code: 'BAD_REQUEST' })
    }
    expect((await post('/v1/conflicts/k1', { value: 'x'.repeat(1025) })).json().code).toBe('TOO_LARGE')
    expect(served.services.registers.get('k1')!.versions).toHaveLength(3)
  })
})
