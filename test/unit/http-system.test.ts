/** What the daemon tells of itself over HTTP: health, metrics, settings, the OpenAPI document, the page, its log. */
import { describe, expect, it } from 'vitest'
import { buildOpenApi } from '../../daemon/http/openapi.js'
import { createLog } from '../../daemon/log/log.js'
import { problemShape } from '../../protocols/api/common.js'
import { conflictsShape } from '../../protocols/api/conflicts.js'
import type { Endpoint } from '../../protocols/api/endpoint.js'
import { endpoints } from '../../protocols/api/endpoints.js'
import { listShape, versionsShape, writtenShape } from '../../protocols/api/kv.js'
import { membersShape, statusShape, whereShape } from '../../protocols/api/mesh.js'
import { configShape, readyShape } from '../../protocols/api/system.js'
import { HearsayError } from '../../store/errors.js'
import { fakeServices } from '../support/fake-daemon.js'
import { fits, ServedApi } from '../support/served-api.js'

const served = new ServedApi()
const { get } = served

describe('the daemon itself', () => {
  it('is alive and ready, and not ready once its disk has failed', async () => {
    expect((await get('/healthz')).json()).toEqual({ status: 'ok' })
    expect((await get('/readyz')).json()).toEqual({
      ready: true,
      verified: true,
      syncing: false,
      waitsFor: 'the network is starting',
      verification: null,
    })
    served.services.node.failed = new HearsayError('STORE_FAILED', 'the disk failed')
    const detail = 'the disk failed'
    expect((await get('/readyz')).json()).toMatchObject({ status: 503, code: 'STORE_FAILED', detail })
    expect((await get('/healthz')).statusCode).toBe(200)
  })

  it('shows the settings in effect with their origin, and no secret', async () => {
    await served.replace(await fakeServices({ join: 'hearsay-very-secret', 'sync-interval': '3s' }))
    const answer = await get('/v1/config')
    expect(fits(configShape, answer.json())).toBe(true)
    expect(answer.json().settings).toContainEqual({
      name: 'sync.interval',
      value: '3s',
      origin: 'flag',
      flag: '--sync-interval',
      variable: 'HEARSAY_SYNC_INTERVAL',
    })
    expect(answer.body).not.toContain('very-secret')
  })

  it('gives Prometheus metrics', async () => {
    served.services.registers.add('secret-key', Buffer.from('x'))
    await get('/v1/kv/secret-key')
    await get('/v1/kv/none')
    const answer = await get('/metrics')
    expect(answer.headers['content-type']).toContain('text/plain')
    for (const line of [
      'hearsay_entries 7',
      'hearsay_members_connected 1',
      'hearsay_member_behind{member="b"} 3',
      'hearsay_gossip_messages_published_total 5',
      'hearsay_http_answers_total{method="GET",route="/v1/kv/:key",status="200"} 1',
      'hearsay_http_answers_total{method="GET",route="/v1/kv/:key",status="404"} 1',
      'process_resident_memory_bytes',
    ]) {
      expect(answer.body).toContain(line)
    }
    expect(answer.body).not.toContain('secret-key')
  })

  it('describes every route in OpenAPI 3.1', async () => {
    const document = JSON.parse(await buildOpenApi())
    expect(document.openapi).toBe('3.1.0')
    const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.keys(methods as object)
        .filter((method) => method !== 'head')
        .map((method) => `${method.toUpperCase()} ${path}`),
    )
    const shown = Object.values<Endpoint>(endpoints).filter(({ summary }) => summary !== null)
    expect(shown.length).toBeGreaterThan(40)
    expect(operations.sort()).toEqual(shown.map(({ route }) => route).sort())
    expect(document.paths['/v1/wait'].get.parameters.map((one: { name: string }) => one.name)).toEqual([
      'peers',
      'converged',
      'timeout',
    ])
    expect((await get('/openapi.json')).json().paths).toEqual(document.paths)
  })

  it('answers as its schemas say', async () => {
    served.services.registers.add('k', Buffer.from('x'))
    const answers: [string, object, object?][] = [
      ['/v1/status', statusShape],
      ['/v1/members', membersShape],
      ['/v1/kv?values=true', listShape],
      ['/v1/conflicts', conflictsShape],
      ['/v1/where/k', whereShape],
      ['/v1/nonsense', problemShape],
      ['/readyz', readyShape],
    ]
    for (const [url, shape] of answers) expect([url, fits(shape, (await get(url)).json())]).toEqual([url, true])
    const versions = await served.api.inject({ url: '/v1/kv/k', headers: { accept: 'application/json' } })
    expect(fits(versionsShape, versions.json())).toBe(true)
    const written = await served.api.inject({ method: 'PUT', url: '/v1/kv/k', payload: 'y' })
    expect(fits(writtenShape, written.json())).toBe(true)
  })

  it('serves a page that loads nothing from elsewhere and runs nothing but its own script', async () => {
    const answer = await get('/')
    expect(answer.headers['content-type']).toContain('text/html')
    expect(answer.headers['content-security-policy']).toMatch(/default-src 'none'; script-src 'self'; style-src 'self'/)
    expect(answer.headers['content-security-policy']).not.toContain('unsafe')
    expect(answer.body).not.toMatch(/https?:\/\/|<style|<script>/)
  })

  it('hides defects from clients and logs them', async () => {
    const lines: string[] = []
    const log = createLog({ format: 'json', level: 'info', write: (line) => lines.push(line) })
    const services = await fakeServices({}, log)
    services.registers.get = () => {
      throw new TypeError('a detail of the code')
    }
    await served.replace(services)
    const answer = await get('/v1/kv/k')
    expect(answer.json()).toMatchObject({ status: 500, code: 'INTERNAL' })
    expect(answer.body).not.toContain('a detail')
    expect(lines.join('')).toContain('a detail of the code')
  })
})

describe('the log', () => {
  it('writes JSON, or lines for people, and never a secret', () => {
    const lines: string[] = []
    const write = (line: string) => void lines.push(line)
    createLog({ format: 'json', level: 'info', write }).info(
      { event: 'stopping', peer: 'p', token: 'hush', deep: { secret: 'hush' } },
      'hello',
    )
    createLog({ format: 'text', level: 'warn', write }).info({ event: 'stopping' }, 'too light')
    createLog({ format: 'text', level: 'warn', write }).warn(
      { event: 'setting', peer: 'p q', count: 2, token: 'hush' },
      'hello',
    )
    createLog({ format: 'text', level: 'warn', write }).error(
      { event: 'filesDamaged', err: new Error('broke') },
      'failed',
    )
    expect(JSON.parse(lines[0]!)).toMatchObject({ level: 'info', msg: 'hello', peer: 'p' })
    expect(lines[1]).toMatch(/^\d\d:\d\d:\d\d\.\d{3} warn {2}hello peer="p q" count=2 token="?\(secret\)"?\n$/)
    expect(lines[2]).toContain('broke')
    expect(lines).toHaveLength(3)
    expect(lines.join('')).not.toContain('hush')
  })
})
