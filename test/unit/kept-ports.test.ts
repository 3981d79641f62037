/** Ports that are taken again after a restart: which addresses they belong to, and files that are no help. */
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { keepBound, readBound, withKeptPorts } from '../../daemon/net/kept-ports.js'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hearsay-ports-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const any = '/ip4/127.0.0.1/tcp/0'
const bound = '/ip4/127.0.0.1/tcp/40123'
const fixed = '/ip6/::1/tcp/7400'

describe('kept ports', () => {
  it('stand where any port will do, and change no other address', () => {
    expect(withKeptPorts([any, fixed], [bound, fixed])).toEqual([bound, fixed])
    expect(withKeptPorts([fixed], ['/ip6/::1/tcp/7401'])).toEqual([fixed])
    expect(withKeptPorts([any], [])).toEqual([any])
    expect(withKeptPorts([any, any], [bound])).toEqual([any, any])
    expect(withKeptPorts(['/ip4/0.0.0.0/tcp/0'], [bound])).toEqual(['/ip4/0.0.0.0/tcp/0'])
  })

  it('are read back as they were written, by their owner alone, and written only when they changed', async () => {
    await keepBound(folder, [bound], [])
    expect(await readBound(folder)).toEqual([bound])
    const path = join(folder, 'listening.json')
    expect(statSync(path).mode & 0o777).toBe(0o600)
    writeFileSync(path, '[]')
    await keepBound(folder, [bound], [bound])
    expect(readFileSync(path, 'utf8')).toBe('[]')
  })

  it('of a file that is absent, or makes no sense, are none', async () => {
    expect(await readBound(folder)).toEqual([])
    for (const text of ['', '{', '{"a":1}', '[1, null]']) {
      writeFileSync(join(folder, 'listening.json'), text)
      expect(await readBound(folder)).toEqual([])
    }
  })
})
