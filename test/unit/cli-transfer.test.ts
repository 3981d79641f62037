/** Import and export against a fake daemon: outputs byte for byte, exit codes, errors. */
import { tmpdir } from 'node:os'
import { afterEach, describe, expect, test } from 'vitest'
import { against, stopFakes } from '../support/run-against.js'

afterEach(stopFakes)

describe('import and export', () => {
  test('import sends stdin and sums up', async () => {
    const body = { imported: 1, skipped: 1, failed: [], failures: 0 }
    const stdin = '{"key":"a","value":"1"}\n{"key":"b","value":"2"}'
    const ran = await against({ body }, ['import', '-'], { stdin })
    expect(ran).toMatchObject({ exit: 0, text: 'imported 1 line, 1 already there\n', stderr: '' })
    expect(ran.requests[0]?.body.toString()).toBe(`${stdin}\n`)
  })

  test('failed lines are named: exit 1', async () => {
    const failed = [{ line: 2, code: 'BAD_REQUEST', message: 'not JSON' }]
    const ran = await against({ body: { imported: 1, skipped: 0, failed, failures: 1 } }, ['import', '-'], {
      stdin: '{"key":"a"}\nx\n',
    })
    expect(ran.exit).toBe(1)
    expect(ran.stderr).toContain('line 2: BAD_REQUEST: not JSON\n')
  })

  test.each(['/nonexistent/file', tmpdir()])('a file that cannot be read, as %s: exit 1', async (file) => {
    const ran = await against({}, ['import', file])
    expect(ran).toMatchObject({ exit: 1, requests: [] })
    expect(ran.stderr).toMatch(`error FILE_FAILED: cannot read ${file}: `)
  })

  test('a progress bar is drawn on a terminal only', async () => {
    const body = { imported: 1, skipped: 0, failed: [], failures: 0 }
    const setting = { stdin: '{"key":"a"}\n', terminal: true, environment: { NO_COLOR: '1' } }
    expect((await against({ body }, ['import', '-'], setting)).stderr).toContain('1 lines')
  })

  test('export passes the bytes on', async () => {
    const body = Buffer.from('{"key":"é"}\n{"key":"b"}\n')
    const ran = await against({ body }, ['export', 'pre'])
    expect(Buffer.compare(ran.stdout, body)).toBe(0)
    expect(ran.requests[0]?.url).toBe('/v1/export?prefix=pre')
  })

  test('an export that is cut: exit 6, and what came is printed', async () => {
    const ran = await against({ body: Buffer.from('{}\n'), cut: 'within' }, ['export'])
    expect(ran).toMatchObject({ exit: 6, text: '{}\n' })
  })

  test('export shows how far it is where its output goes elsewhere, and what it prints are the bytes', async () => {
    const body = Buffer.from('{"key":"a"}\n{"key":"b"}\n')
    expect(await against({ body }, ['export'])).toMatchObject({ exit: 0, text: body.toString(), stderr: '' })
    const piped = await against({ body }, ['export'], { terminal: true, stdoutPiped: true })
    expect(piped.text).toBe(body.toString())
    expect(piped.stderr).toMatch(/2 lines.*24 B/)
  })
})
