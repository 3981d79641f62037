/**
 * `hearsay dashboard`: the link, and a browser that is opened without showing its secret to other users of the machine.
 */
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { against, stopFakes } from '../support/run-against.js'

const link = { url: 'http://127.0.0.1:7500/#link=secret', expires: '2030-01-01T00:05:00.000Z' }
let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hearsay-open-'))
})
afterEach(async () => {
  rmSync(folder, { recursive: true, force: true })
  await stopFakes()
})

/** A program in place of the desktop's opener, which notes what it was given. */
function openerThat(exits: number): NodeJS.ProcessEnv {
  for (const name of ['xdg-open', 'open']) {
    writeFileSync(join(folder, name), `#!/bin/sh\nprintf %s "$1" > '${folder}/opened'\nexit ${exits}\n`)
    chmodSync(join(folder, name), 0o755)
  }
  return { PATH: `${folder}:/bin:/usr/bin`, XDG_RUNTIME_DIR: folder }
}

test('the link is printed alone on its line, what it can do beside it', async () => {
  const ran = await against({ body: link }, ['dashboard'])
  expect(ran).toMatchObject({ exit: 0, text: `${link.url}\n` })
  expect(ran.requests.map(({ method, url }) => [method, url])).toEqual([['POST', '/v1/dashboard-link']])
  const json = await against({ body: link }, ['dashboard', '--json'])
  expect(JSON.parse(json.text)).toEqual({ ...link, opened: false })
})

test('--open starts the browser with a private file that holds the link', async () => {
  const ran = await against({ body: link }, ['dashboard', '--open'], { environment: openerThat(0) })
  expect(ran.exit).toBe(0)
  expect(ran.text).not.toContain('secret')
  const opened = readFileSync(join(folder, 'opened'), 'utf8')
  expect(opened).toMatch(/^file:/)
  expect(opened).not.toContain('secret')
  const file = fileURLToPath(opened)
  expect(statSync(file).mode & 0o077).toBe(0)
  expect(readFileSync(file, 'utf8')).toContain(`content="0;url=${link.url}"`)
})

test('--open without a browser prints the link', async () => {
  const ran = await against({ body: link }, ['dashboard', '--open'], { environment: openerThat(3) })
  expect(ran).toMatchObject({ exit: 0, text: `${link.url}\n` })
})

test('without a TCP address: the remedy, exit 1', async () => {
  const problem = { type: 't', title: 't', status: 409, code: 'NO_TCP_API', detail: 'start it with --api' }
  const ran = await against({ status: 409, body: problem }, ['dashboard'])
  expect(ran.exit).toBe(1)
})
