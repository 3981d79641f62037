/** The API over real sockets: keys in raw paths, who may use it over TCP, large and broken requests, closing. */
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { loadApiToken } from '../../daemon/http/listening/api-token.js'
import { Guard } from '../../daemon/http/listening/guard.js'
import { Listeners } from '../../daemon/http/listening/listeners.js'
import { prepareSocket, removeSocket, socketPathBytesMax } from '../../daemon/http/listening/socket-path.js'
import { makePrivateFolder } from '../../daemon/private-files.js'
import type { Waited } from '../../protocols/membership/types.js'
import { type ApiServer, ask, connectTo, received, startApiServer, testToken } from '../support/api-server.js'

let server: ApiServer
beforeAll(async () => {
  server = await startApiServer({ 'values-max-bytes': '1MiB' })
})
afterAll(() => server.close())
beforeEach(() => server.services.registers.versions.clear())

const stored = () => [...server.services.registers.versions.keys()]
const put = (segment: string, body: string | Buffer = 'x', headers = {}) =>
  ask(server, { method: 'PUT', path: `/v1/kv/${segment}`, body, headers })

describe('keys in paths', () => {
  it.each([
    ['a%2Fb', 'a/b'],
    ['.', '.'],
    ['..', '..'],
    ['%2E%2E', '..'],
    ['%2e', '.'],
    ['a+b', 'a+b'],
    ['a%20b', 'a b'],
    ['%C3%A9', 'é'],
    ['%F0%9F%98%80', '😀'],
    ['%00', '\0'],
    ['%25', '%'],
    ['%EF%BB%BFx', '\uFEFFx'],
    [':key', ':key'],
    ['a%3Fb', 'a?b'],
    ['%23', '#'],
    [`${'%6B'.repeat(1024)}`, 'k'.repeat(1024)],
    [`${'%C3%A9'.repeat(512)}`, 'é'.repeat(512)],
  ])('%s is the key %j', async (segment, key) => {
    expect((await put(segment)).json().key).toBe(key)
    expect(stored()).toEqual([key])
    const shown = await ask(server, { path: `/v1/kv/${segment}` })
    expect([shown.status, shown.body.toString()]).toEqual([200, 'x'])
    expect((await ask(server, { path: `/v1/where/${segment}` })).json().key).toBe(key)
  })

  it.each([
    '',
    '%',
    '%2',
    '%zz',
    '%C3',
    '%FF',
    '%ED%A0%80',
    'a/b',
    '../status',
    '../../v1/kv/x',
    'a%C3%28',
    'a#b',
    '%2F/',
  ])('refuses the segment %j with BAD_KEY', async (segment) => {
    const answer = await put(segment)
    expect([answer.status, answer.json().code]).toEqual([400, 'BAD_KEY'])
    expect(stored()).toEqual([])
  })

  it('says TOO_LARGE for more than 1,024 bytes, and for a request line beyond all bounds', async () => {
    for (const segment of ['k'.repeat(1025), '%C3%A9'.repeat(513), 'k'.repeat(60_000)]) {
      const answer = await put(segment)
      expect([answer.status, answer.json().code]).toEqual([413, 'TOO_LARGE'])
    }
    const endless = await put('k'.repeat(300_000))
    expect([endless.status, endless.json().code]).toEqual([431, 'TOO_LARGE'])
    expect(stored()).toEqual([])
  })
})

describe('TCP', () => {
  const tcp = () => ({ host: server.host, port: server.port })
  const authorization = `Bearer ${testToken}`

  it.each([
    ['no token', {}, 401, 'UNAUTHORIZED'],
    ['a wrong token', { authorization: 'Bearer wrong' }, 401, 'UNAUTHORIZED'],
    ['a prefix of the token', { authorization: authorization.slice(0, -1) }, 401, 'UNAUTHORIZED'],
    ['another scheme', { authorization: `Basic ${testToken}` }, 401, 'UNAUTHORIZED'],
    ['a foreign host', { authorization, host: 'evil.example' }, 403, 'FORBIDDEN_ORIGIN'],
    ['a foreign host that looks alike', { authorization, host: '127.0.0.1.evil.example' }, 403, 'FORBIDDEN_ORIGIN'],
    ['another address', { authorization, host: '10.0.0.1:80' }, 403, 'FORBIDDEN_ORIGIN'],
    ['a foreign origin', { authorization, origin: 'http://evil.example' }, 403, 'FORBIDDEN_ORIGIN'],
    ['a null origin', { authorization, origin: 'null' }, 403, 'FORBIDDEN_ORIGIN'],
    ['a page of another port', { authorization, origin: 'http://127.0.0.1:1' }, 403, 'FORBIDDEN_ORIGIN'],
  ])('refuses %s on every route', async (_, headers, status, code) => {
    for (const path of ['/v1/status', '/v1/kv/k', '/healthz', '/metrics', '/openapi.json', '/', '/nonsense']) {
      const answer = await ask(tcp(), { path, headers })
      expect([path, answer.status, answer.json().code]).toEqual([path, status, code])
    }
    const write = await ask(tcp(), { method: 'PUT', path: '/v1/kv/k', headers, body: 'x' })
    expect(write.status).toBe(status)
    expect(stored()).toEqual([])
  })

  it('lets the token in, by every name of the loopback and from its own page', async () => {
    for (const host of [`127.0.0.1:${server.port}`, `localhost:${server.port}`, `[::1]:${server.port}`, 'LOCALHOST']) {
      const headers = { authorization, host, origin: `http://${host}` }
      expect((await ask(tcp(), { path: '/v1/status', headers })).status).toBe(200)
    }
    expect((await ask(tcp(), { path: '/v1/status', headers: { authorization: `bearer ${testToken}` } })).status).toBe(
      200,
    )
  })

  it('gives a browser without a token the empty page that asks for it, still as 401', async () => {
    const answer = await ask(tcp(), { path: '/', headers: { accept: 'text/html' } })
    expect(answer.status).toBe(401)
    expect(answer.headers['content-type']).toContain('text/html')
    expect(answer.headers['content-security-policy']).toContain("default-src 'none'")
    expect(answer.headers['www-authenticate']).toBe('Bearer')
  })

  it('beyond the loopback, takes addresses and the machine’s name as Host, no other name', () => {
    const guard = new Guard({ token: testToken, host: '0.0.0.0', hostname: 'box' })
    const code = (host: string) => guard.check({ headers: { host, authorization } })?.code
    for (const host of ['192.168.1.5:80', '[fe80::1]:80', 'box:80', 'localhost']) expect(code(host)).toBeUndefined()
    for (const host of ['evil.example', 'box.evil.example', '', '::1', 'a:b:c'])
      expect(code(host)).toBe('FORBIDDEN_ORIGIN')
  })

  it('needs no token on the Unix socket', async () => {
    expect((await ask(server, { path: '/v1/status' })).status).toBe(200)
    expect(statSync(server.socketPath).mode & 0o777).toBe(0o600)
  })

  it('says PORT_IN_USE for a port that is taken', async () => {
    const other = new Listeners(() => {}, server.services.web.page)
    const address = { host: server.host, port: server.port }
    const taken = other.listenTcp(address, { token: testToken, hostname: 'a' })
    await expect(taken).rejects.toMatchObject({ code: 'PORT_IN_USE', details: { address: `127.0.0.1:${server.port}` } })
  })
})

describe('large and broken requests', () => {
  const size = 4 * 1024 * 1024

  it('answers TOO_LARGE to a client that sends all of a declared body before it reads', async () => {
    const socket = await connectTo(server)
    socket.pause()
    const head = `PUT /v1/kv/big HTTP/1.1\r\nHost: x\r\nContent-Length: ${size}\r\n\r\n`
    socket.write(head)
    await new Promise<void>((resolve, reject) =>
      socket.write(Buffer.alloc(size), (error) => (error ? reject(error) : resolve())),
    )
    const answered = received(socket, (got) => got.includes('\r\n\r\n') && got.includes('}'))
    socket.resume()
    const text = await answered
    expect(text).toMatch(/^HTTP\/1\.1 413 /)
    expect(text).toContain('"code":"TOO_LARGE"')
    expect(stored()).toEqual([])
    const next = received(socket, (got) => got.includes('200 OK'))
    socket.write('GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n')
    expect(await next).toContain('200 OK')
    socket.destroy()
  })

  it('answers TOO_LARGE before it closes a connection that the client does not keep', async () => {
    for (const path of ['/v1/kv/big', `/v1/kv/${'k'.repeat(1025)}`, '/v1/join', '/v1/nonsense']) {
      const method = path === '/v1/join' ? 'POST' : 'PUT'
      const answer = await ask(server, {
        method,
        path,
        body: Buffer.alloc(9 * 1024 * 1024),
        headers: { connection: 'close' },
      })
      expect([path, answer.status]).toEqual([path, path === '/v1/nonsense' ? 404 : 413])
    }
    expect(stored()).toEqual([])
  })

  it('answers TOO_LARGE to a body of unknown length as soon as it is over', async () => {
    const socket = await connectTo(server)
    const answered = received(socket, (got) => got.includes('TOO_LARGE'))
    socket.write('PUT /v1/kv/big HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n')
    const chunk = Buffer.alloc(64 * 1024)
    for (let sent = 0; sent < size; sent += chunk.length) {
      socket.write(`${chunk.length.toString(16)}\r\n`)
      socket.write(chunk)
      socket.write('\r\n')
    }
    expect(await answered).toMatch(/^HTTP\/1\.1 413 /)
    socket.destroy()
    expect(stored()).toEqual([])
  })

  it('stores nothing of a body that breaks off', async () => {
    const socket = await connectTo(server)
    socket.write('PUT /v1/kv/cut HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc')
    socket.destroy()
    expect((await put('after')).status).toBe(200)
    expect(stored()).toEqual(['after'])
  })

  it('answers what is not HTTP with a problem and goes on serving', async () => {
    const socket = await connectTo(server)
    socket.write('\x16\x03\x01nonsense\r\n\r\n')
    const text = await received(socket)
    expect(text).toMatch(/^HTTP\/1\.1 400 /)
    expect(text).toContain('application/problem+json')
    expect((await ask(server, { path: '/healthz' })).status).toBe(200)
  })

  it('answers unknown paths and methods as problems', async () => {
    const unknown = await ask(server, { path: '/v1/nonsense?x=1' })
    expect([unknown.status, unknown.json().code]).toEqual([404, 'NOT_FOUND'])
    expect(unknown.headers['content-type']).toContain('application/problem+json')
    const method = await ask(server, { method: 'POST', path: '/v1/kv/k', body: 'x' })
    expect([method.status, method.json().status, method.headers.allow]).toEqual([
      405,
      405,
      expect.stringContaining('PUT'),
    ])
    const odd = await ask(server, { method: 'TRACE', path: '/v1/status' })
    expect([odd.status, odd.headers['content-type']]).toEqual([
      expect.any(Number),
      expect.stringContaining('problem+json'),
    ])
  })
})

describe('closing', () => {
  it('lets a request under way finish, closes idle connections, then takes no more', async () => {
    const own = await startApiServer()
    let finish: (value: Waited) => void = () => {}
    own.services.mesh.wait = () => new Promise((resolve) => (finish = resolve))
    const waiting = ask(own, { path: '/v1/wait' })
    const idle = await connectTo(own)
    await expect.poll(() => finish.length).toBe(1)
    const closed = own.close(30_000)
    await received(idle)
    finish({ isTrue: true, missing: [], isUnverified: false })
    expect((await waiting).json()).toEqual({ ok: true })
    await closed
    await expect(ask(own, { path: '/healthz' })).rejects.toThrow()
  })

  it('breaks what does not finish in time', async () => {
    const own = await startApiServer()
    let hasBegun = false
    own.services.mesh.wait = () => {
      hasBegun = true
      return new Promise(() => {})
    }
    const waiting = ask(own, { path: '/v1/wait' }).catch((error: unknown) => error)
    await expect.poll(() => hasBegun).toBe(true)
    await own.close()
    expect(await waiting).toBeInstanceOf(Error)
  })
})

describe('files', () => {
  let directory: string
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'hs-'))
  })
  afterEach(() => rmSync(directory, { recursive: true, force: true }))

  const place = (dataDirectory: string, runtimeDirectory?: string) => ({
    dataDirectory,
    runtimeDirectory,
    temporaryDirectory: directory,
  })

  it('puts the socket into the data directory and removes a dead daemon’s', async () => {
    const path = prepareSocket(place(directory))
    expect(path).toBe(join(directory, 'api.sock'))
    const dead = createServer().listen(path)
    await new Promise((resolve) => dead.once('listening', resolve))
    expect(prepareSocket(place(directory))).toBe(path)
    expect(existsSync(path)).toBe(false)
    dead.close()
    writeFileSync(path, 'precious')
    expect(() => prepareSocket(place(directory))).toThrow('is no socket')
    expect(readFileSync(path, 'utf8')).toBe('precious')
  })

  it('puts it into a short private folder when the path is too long, says where, and tidies up', () => {
    const long = join(directory, 'd'.repeat(90), 'e'.repeat(60))
    mkdirSync(long, { recursive: true })
    const runtime = join(directory, 'run')
    mkdirSync(runtime)
    const path = prepareSocket(place(long, runtime))
    expect(dirname(dirname(path))).toBe(runtime)
    expect(Buffer.byteLength(path)).toBeLessThanOrEqual(socketPathBytesMax)
    expect(statSync(dirname(path)).mode & 0o777).toBe(0o700)
    expect(readFileSync(join(long, 'api.path'), 'utf8').trim()).toBe(path)
    expect(prepareSocket(place(long, runtime))).toBe(path)
    chmodSync(dirname(path), 0o777)
    expect(dirname(prepareSocket(place(long, runtime)))).not.toBe(dirname(path))
    removeSocket(path, long)
    expect([existsSync(dirname(path)), existsSync(join(long, 'api.path'))]).toEqual([false, false])
  })

  it('keeps one token, readable by its owner alone, in a private folder', async () => {
    const data = join(directory, 'new', 'data')
    makePrivateFolder(data)
    expect(statSync(data).mode & 0o777).toBe(0o700)
    const token = await loadApiToken(data)
    expect(token.length).toBeGreaterThanOrEqual(43)
    chmodSync(join(data, 'api.token'), 0o644)
    chmodSync(data, 0o755)
    makePrivateFolder(data)
    expect(await loadApiToken(data)).toBe(token)
    expect([statSync(join(data, 'api.token')).mode & 0o777, statSync(data).mode & 0o777]).toEqual([0o600, 0o700])
    writeFileSync(join(data, 'api.token'), '')
    expect(await loadApiToken(data)).not.toBe(token)
    writeFileSync(join(directory, 'file'), '')
    expect(() => makePrivateFolder(join(directory, 'file', 'x'))).toThrow('--data')
  })
})
