/**
 * `hearsay render` and `hearsay put --keep-alive` against a fake daemon: what is refused before anything happens, and
 * what is printed.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type FakeAnswer, problem, type Recorded } from '../support/fake-api.js'
import { against, stopFakes } from '../support/run-against.js'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'hearsay-recipes-'))
})
afterAll(() => rmSync(folder, { recursive: true }))
afterEach(stopFakes)

/** A daemon with one value, of which there are siblings, and nothing else. */
function oneValue({ url }: Recorded): FakeAnswer {
  if (url === '/v1/kv/a') return { headers: { 'Hearsay-Siblings': '2' }, body: Buffer.from('1') }
  if (url.startsWith('/v1/kv?')) {
    const item = { key: 'p/x', types: ['reg'], siblings: 1, value: '/w==', encoding: 'base64' }
    return { body: { items: [item, { key: 'p/y', types: ['set'], siblings: 1 }], next: null } }
  }
  return problem(404, 'NOT_FOUND', 'there is none')
}

function template(text: string | Uint8Array): string {
  const path = join(folder, `t${readdirSync(folder).length}`)
  writeFileSync(path, text)
  return path
}

describe('render', () => {
  it('prints bytes, reads each key once, and warns of siblings', async () => {
    const ran = await against(oneValue, [
      'render',
      template('{{ a }}{{ a }}{{ b or 2 }}{{ each p/ }}{{.name}}{{.value}}{{ end }}'),
    ])
    expect([ran.exit, ran.stdout]).toEqual([0, Buffer.from([...Buffer.from('112x'), 0xff])])
    expect(ran.stderr).toContain('a has siblings; its latest value was rendered')
    expect(ran.requests.map(({ url }) => url).toSorted()).toEqual([
      '/v1/kv/a',
      '/v1/kv/b',
      '/v1/kv?prefix=p%2F&values=true&limit=100',
    ])
  })

  it('names all missing keys, and leaves the file alone', async () => {
    const output = template('old')
    const ran = await against(oneValue, ['render', template('{{ a }}{{ b }}{{ "c d" }}'), '--output', output, '--json'])
    expect([ran.exit, ran.text]).toEqual([3, ''])
    expect(JSON.parse(ran.stderr.split('\n').at(-2)!)).toMatchObject({ code: 'NOT_FOUND', missing: ['b', 'c d'] })
    expect(readFileSync(output, 'utf8')).toBe('old')
  })

  it.each([
    [['--watch'], 2, '--output FILE'],
    [['--exec', 'true'], 2, '--output FILE'],
    [['--output', '/dev/null'], 2, 'is not a file'],
    [['--output', '/no/such/folder/file'], 1, 'FILE_FAILED'],
  ])('with %j exits with %i', async (args, exit, reason) => {
    const ran = await against(oneValue, ['render', template('x'), ...args])
    expect([ran.exit, ran.text]).toEqual([exit, ''])
    expect(ran.stderr).toContain(reason)
  })

  it('asks nothing for a template that cannot be used', async () => {
    const many = Array.from({ length: 10_001 }, (_, at) => `{{ k${at} }}`).join('')
    const bad: [string, number][] = [
      [join(folder, 'none'), 1],
      [template(Uint8Array.of(0xe9)), 2],
      [template('{{ a'), 2],
      [template('x'.repeat(1024 * 1024 + 1)), 2],
      [template(many), 2],
    ]
    for (const [path, exit] of bad) {
      const ran = await against(oneValue, ['render', path])
      expect([ran.exit, ran.text, ran.requests]).toEqual([exit, '', []])
    }
  })
})

describe('put --keep-alive', () => {
  const touch = () => ['--keep-alive', 'touch', join(folder, 'ran')]
  it.each([
    ['no command', () => ['k', 'v', '--keep-alive'], 'there is no command'],
    ['no value', () => ['k', ...touch()], 'stdin belongs to the command'],
    ['a value on stdin', () => ['k', '-', ...touch()], 'stdin belongs to the command'],
    ['a time to live too short to be renewed', () => ['k', 'v', '--ttl', '2999ms', ...touch()], 'at least 3s'],
    ['no duration', () => ['k', 'v', '--ttl', 'soon', ...touch()], 'invalid duration'],
  ])('refuses %s before anything is stored or run', async (_, args, reason) => {
    const ran = await against(oneValue, ['put', ...args()], { stdin: 'v' })
    expect([ran.exit, ran.requests, readdirSync(folder).includes('ran')]).toEqual([2, [], false])
    expect(ran.stderr).toContain(reason)
  })
})
