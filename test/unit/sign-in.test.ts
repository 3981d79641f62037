/** Sign-in of browsers: links that work once, cookies that no other page can use, files that hold no data. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import {
  browserSessionMs,
  browserSessionsMax,
  linkMs,
  linksMax,
  signInBodyBytesMax,
} from '../../daemon/http/sign-in/limits.js'
import { SignIn } from '../../daemon/http/sign-in/sign-in.js'
import { type ApiServer, ask, startApiServer, testToken } from '../support/api-server.js'
import { StillEnvironment } from '../support/still-environment.js'

let server: ApiServer
beforeAll(async () => {
  server = await startApiServer()
})
afterAll(() => server.close())
beforeEach(() => server.services.registers.versions.clear())

const tcp = () => ({ host: server.host, port: server.port })
const host = () => `${server.host}:${server.port}`
/** Headers that a browser sends for the dashboard's own page. */
const own = () => ({
  host: host(),
  origin: `http://${host()}`,
  'hearsay-dashboard': '1',
  'sec-fetch-site': 'same-origin',
})
const linkOf = async () => {
  const answer = await ask(server, { method: 'POST', path: '/v1/dashboard-link' })
  return (answer.json().url as string).split('#link=')[1]!
}
const signIn = (link: string, headers: Record<string, string> = own()) =>
  ask(tcp(), { method: 'POST', path: '/session', headers, body: JSON.stringify({ link }) })
/** The cookie of a browser that has just signed in. */
async function cookieOf(): Promise<string> {
  const answer = await signIn(await linkOf())
  expect(answer.status).toBe(204)
  return String(answer.headers['set-cookie']).split(';')[0]!
}

describe('a link', () => {
  it('is made by whoever has the API, with its secret in the fragment alone', async () => {
    server.services.signIn.reachableAt(`http://${host()}`)
    const bySocket = await ask(server, { method: 'POST', path: '/v1/dashboard-link' })
    expect(bySocket.json().url).toMatch(new RegExp(`^http://${host()}/#link=[\\w-]{43}$`))
    expect(Date.parse(bySocket.json().expires as string)).toBe(server.services.environment.nowMs() + linkMs)
    const headers = { authorization: `Bearer ${testToken}`, host: `localhost:${server.port}` }
    const byToken = await ask(tcp(), { method: 'POST', path: '/v1/dashboard-link', headers })
    expect(byToken.json().url).toContain(`http://localhost:${server.port}/#link=`)
    expect((await ask(tcp(), { method: 'POST', path: '/v1/dashboard-link', headers: own() })).status).toBe(401)
  })

  it('cannot be made where no browser could use it', async () => {
    const alone = await startApiServer()
    const answer = await ask(alone, { method: 'POST', path: '/v1/dashboard-link' })
    expect([answer.status, answer.json().code]).toEqual([409, 'NO_TCP_API'])
    expect(answer.json().detail).toContain('--api')
    await alone.close()
  })

  it('works once, and not when it has expired, is another, or too long', async () => {
    const link = await linkOf()
    const first = await signIn(link)
    expect(first.status).toBe(204)
    const cookie = String(first.headers['set-cookie'])
    expect(cookie).toMatch(new RegExp(`^hearsay-session-${server.port}=[\\w-]{43}; `))
    for (const part of ['HttpOnly', 'SameSite=Strict', 'Path=/', 'Max-Age=43200']) expect(cookie).toContain(part)
    const refused = await signIn(link)
    expect([refused.status, refused.json().code, refused.headers['set-cookie']]).toEqual([401, 'BAD_LINK', undefined])
    const old = await linkOf()
    server.services.environment.pass(linkMs)
    expect((await signIn(old)).json().code).toBe('BAD_LINK')
    expect((await signIn(link.slice(1))).json().code).toBe('BAD_LINK')
    expect((await signIn('x'.repeat(signInBodyBytesMax))).status).toBe(413)
  })

  it.each([
    ['without an origin', { origin: undefined }],
    ['without the header of the page', { 'hearsay-dashboard': undefined }],
    ['from another page', { origin: 'http://evil.example' }],
    ['under another name', { host: 'evil.example', origin: 'http://evil.example' }],
  ])('does not sign anybody in %s, and stays good', async (_, change) => {
    const link = await linkOf()
    const given = Object.entries({ ...own(), ...change }).filter(([, value]) => value !== undefined)
    const answer = await signIn(link, Object.fromEntries(given) as Record<string, string>)
    expect([answer.status, answer.json().code]).toEqual([403, 'FORBIDDEN_ORIGIN'])
    expect((await signIn(link)).status).toBe(204)
  })

  it('is one of a bounded number, as sessions are: the oldest goes', () => {
    const signIns = new SignIn(new StillEnvironment())
    const links = Array.from({ length: linksMax + 1 }, () => signIns.makeLink().secret)
    expect(signIns.redeem(links[0]!)).toBeUndefined()
    const first = signIns.redeem(links[1]!)!
    expect(signIns.isSignedIn(first)).toBe(true)
    for (let at = 0; at < browserSessionsMax; at++) signIns.redeem(signIns.makeLink().secret)
    expect(signIns.isSignedIn(first)).toBe(false)
  })
})

describe('a browser that has signed in', () => {
  it('reads, and writes from the page alone', async () => {
    const cookie = await cookieOf()
    expect((await ask(tcp(), { path: '/v1/status', headers: { host: host(), cookie } })).status).toBe(200)
    const put = (headers: Record<string, string>) =>
      ask(tcp(), { method: 'PUT', path: '/v1/kv/k', headers: { ...headers, cookie: `other=1; ${cookie}` }, body: 'x' })
    expect((await put(own())).status).toBe(200)
    server.services.registers.versions.clear()
    for (const missing of ['origin', 'hearsay-dashboard']) {
      const rest = Object.fromEntries(Object.entries(own()).filter(([name]) => name !== missing)) as Record<
        string,
        string
      >
      const answer = await put(rest)
      expect([missing, answer.status, answer.json().code]).toEqual([missing, 403, 'FORBIDDEN_ORIGIN'])
    }
    expect(server.services.registers.versions.size).toBe(0)
  })

  it.each([
    ['a foreign host', { host: 'evil.example' }, 403],
    ['a foreign origin', { origin: 'http://evil.example' }, 403],
    ['a page at another port', { origin: 'http://127.0.0.1:1' }, 403],
    ['a page of the same site, without an origin', { 'sec-fetch-site': 'same-site' }, 401],
    ['a page of another site, without an origin', { 'sec-fetch-site': 'cross-site' }, 401],
  ])('is refused with %s', async (_, change, status) => {
    const cookie = await cookieOf()
    const { origin: __, ...plain } = own()
    const answer = await ask(tcp(), { path: '/v1/status', headers: { ...plain, cookie, ...change } })
    expect(answer.status).toBe(status)
  })

  it('is not taken for one of a daemon at another port', async () => {
    const cookie = (await cookieOf()).replace(`${server.port}`, '1')
    expect((await ask(tcp(), { path: '/v1/status', headers: { host: host(), cookie } })).status).toBe(401)
  })

  it('signs out, and is signed out after a day', async () => {
    const [one, other] = [await cookieOf(), await cookieOf()]
    const out = await ask(tcp(), { method: 'DELETE', path: '/session', headers: { ...own(), cookie: one } })
    expect([out.status, String(out.headers['set-cookie'])]).toEqual([204, expect.stringContaining('Max-Age=0')])
    const status = async (cookie: string) =>
      (await ask(tcp(), { path: '/v1/status', headers: { host: host(), cookie } })).status
    expect([await status(one), await status(other)]).toEqual([401, 200])
    server.services.environment.pass(browserSessionMs)
    expect(await status(other)).toBe(401)
  })

  it('needs no link where the token is given', async () => {
    const headers = { ...own(), authorization: `Bearer ${testToken}` }
    expect((await ask(tcp(), { path: '/v1/status', headers })).status).toBe(200)
  })
})

describe('the files of the dashboard', () => {
  it.each(['/dashboard.js', '/dashboard.css'])('%s is for everybody, under a strict policy', async (path) => {
    const answer = await ask(tcp(), { path, headers: { host: host() } })
    expect(answer.status).toBe(200)
    expect(answer.headers['content-type']).toMatch(path.endsWith('js') ? /^text\/javascript/ : /^text\/css/)
    expect(answer.headers['content-security-policy']).toContain("frame-ancestors 'none'")
    expect(answer.headers['x-frame-options']).toBe('DENY')
    expect(answer.headers['referrer-policy']).toBe('no-referrer')
    expect(answer.headers['cross-origin-resource-policy']).toBe('same-origin')
    expect((await ask(tcp(), { path, headers: { host: 'evil.example' } })).status).toBe(403)
    expect((await ask(tcp(), { method: 'POST', path, headers: own() })).status).toBe(401)
    expect((await ask(tcp(), { path: `${path}?x`, headers: { host: host() } })).status).toBe(401)
  })

  it('are the page for a browser that has signed in', async () => {
    const headers = { host: host(), cookie: await cookieOf(), accept: 'text/html' }
    const answer = await ask(tcp(), { path: '/', headers })
    expect(answer.status).toBe(200)
    expect(answer.headers['x-frame-options']).toBe('DENY')
  })
})
