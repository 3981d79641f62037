/**
 * Resolvers in a real mesh: both sides of a cut write, both show one value, the next write collapses it; modules that
 * fail harm nobody.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { allEqual, connectedTo, type Daemon, Fleet, until } from './daemons.js'

/** The example of the documents is the module that is tried. */
const operations = readFileSync(new URL('../../docs/OPERATIONS.md', import.meta.url), 'utf8')
const mergeCounts = /```js\n(\/\/ merge-counts\.mjs[\s\S]*?)```/.exec(operations)![1]!

const failing = (code: string) => `
  export default function resolve(versions) {
    const texts = versions.map(({ text }) => String(text)).sort()
    if (texts.some((text) => text.startsWith('!'))) ${code}
    console.log('printed by a module')
    return texts.at(-1)
  }`

const rules = `resolvers = [
  { prefix = "votes/", use = "./merge-counts.mjs" },
  { prefix = "notes/", use = "json-merge" },
  { prefix = "throwing/", use = "./throwing.mjs" },
  { prefix = "hanging/", use = "./hanging.mjs" },
  { prefix = "refused/", use = "./refused.mjs" },
]`

describe('resolvers', () => {
  let fleet: Fleet
  let one: Daemon
  let two: Daemon
  beforeAll(async () => {
    fleet = await Fleet.create()
    const config = file('node.toml', rules)
    file('merge-counts.mjs', mergeCounts)
    file('throwing.mjs', failing('throw new Error("not today")'))
    file('hanging.mjs', failing('for (;;) {}'))
    file('refused.mjs', 'export default (versions) => versions.map(({ text }) => text).join()')
    ;[one, two] = (await fleet.mesh(['one', 'two'], ['--config', config])) as [Daemon, Daemon]
    await two.client.block(['one'])
    for (const [key, [here, there]] of Object.entries(conflicts)) {
      await one.client.put(key, here)
      await two.client.put(key, there)
    }
    await two.client.unblock()
    await connectedTo(two, 1)
    await allEqual([one, two])
  })
  afterAll(() => fleet.end())

  const conflicts: Record<string, [string, string]> = {
    'votes/a': ['{"lena":1,"attic":5}', '{"lena":3,"desk":1}'],
    'votes/b': ['{"x":1}', '{"y":1}'],
    'votes/text': ['{"x":1}', 'three'],
    'notes/a': ['{"title":"one","tags":["a","b"],"body":{"x":1}}', '{"title":"two","tags":["a","c"],"body":{"y":2}}'],
    'throwing/a': ['a', 'b'],
    'throwing/!': ['a', '!'],
    'hanging/a': ['a', 'b'],
    'hanging/!': ['a', '!'],
    'refused/a': ['a', 'b'],
  }

  function file(name: string, text: string): string {
    const path = join(fleet.folder, name)
    writeFileSync(path, text)
    return path
  }

  async function shown(daemon: Daemon, key: string): Promise<string[]> {
    const { versions } = await daemon.client.getAll(key)
    return versions.map(({ value }) => value)
  }

  const both = (key: string) => Promise.all([one, two].map((daemon) => shown(daemon, key)))

  it('show one value on both sides, made from both', async () => {
    expect(await both('votes/a')).toEqual(Array(2).fill(['{"attic":5,"desk":1,"lena":3}']))
    expect(await both('notes/a')).toEqual(Array(2).fill(['{"title":"two","tags":["a","c","b"],"body":{"y":2,"x":1}}']))
    expect(await both('throwing/a')).toEqual(Array(2).fill(['b']))
    expect((await one.client.get('votes/a')).siblings).toBe(1)
    expect((await one.cli(['get', 'votes/a'])).stderr).toBe('')
  })

  it('leave siblings where they give no value, and say so once', async () => {
    for (const key of ['votes/text', 'throwing/!', 'refused/a']) {
      expect(await both(key), key).toEqual(Array(2).fill(conflicts[key]!.toReversed()))
    }
    const { warnings } = await one.client.status()
    expect(warnings).toEqual([
      expect.stringMatching(/merge-counts\.mjs failed (once|\d+ times) since the start, last because it threw: .*JSON/),
      expect.stringMatching(/throwing\.mjs failed (once|\d+ times) since the start, last because it threw: not today/),
      expect.stringMatching(
        /hanging\.mjs failed (once|\d+ times) since the start, last because it took longer than 1000 ms/,
      ),
      expect.stringMatching(/refused\.mjs is not used, because it made .* in another order/),
    ])
    expect(one.stderr.split('not today').length - 1).toBe(1)
    expect(one.stderr.split('refused.mjs is not used').length - 1).toBe(1)
    expect(one.stderr).not.toContain('printed by a module')
  })

  it('that hang hold up nobody else, and siblings are shown', async () => {
    const versions = ['!', '!!'].map((value) => ({ value, encoding: 'utf8' }))
    const line = JSON.stringify({ key: 'hanging/new', type: 'reg', versions })
    expect((await one.cli(['import', '-'], `${line}\n`)).exit).toBe(0)
    const order: string[] = []
    const read = async (key: string) => {
      const values = await shown(one, key)
      order.push(key)
      return values.sort()
    }
    const hung = read('hanging/new')
    expect(await read('votes/b')).toEqual(['{"x":1,"y":1}'])
    expect([await hung, await read('hanging/new')]).toEqual(Array(2).fill(['!', '!!']))
    expect(order).toEqual(['votes/b', 'hanging/new', 'hanging/new'])
    expect(await shown(one, 'hanging/a')).toEqual(['b'])
    await one.client.delete('hanging/new', { all: true })
    await allEqual([one, two])
  })

  it('take a key out of the conflicts; one that fell back is in them', async () => {
    const inConflict = ['hanging/!', 'refused/a', 'throwing/!', 'votes/text']
    for (const daemon of [one, two]) {
      const keys: string[] = []
      for await (const { key } of daemon.client.conflicts()) keys.push(key)
      expect(keys).toEqual(inConflict)
      expect((await daemon.client.status()).conflicts).toBe(inConflict.length)
      const counts: Record<string, number> = {}
      for await (const { key, siblings } of daemon.client.list()) counts[key] = siblings
      const expected = Object.keys(conflicts).map((key) => [key, inConflict.includes(key) ? 2 : 1])
      expect(counts).toEqual(Object.fromEntries(expected))
    }
  })

  it('collapse at the next write, which supersedes what was shown: all, or the winner alone', async () => {
    await one.client.put('votes/a', '{"lena":9}')
    await one.client.put('throwing/!', 'c')
    const { context } = await one.client.getAll('notes/a')
    await one.client.put('notes/a', '{}', { context })
    expect((await one.cli(['resolve', 'votes/b', '--merge'])).exit).toBe(0)
    const refused = await one.cli(['resolve', 'refused/a', '--merge'])
    expect([refused.exit, refused.stderr]).toEqual([2, expect.stringContaining('no merging resolver')])
    await allEqual([one, two])
    // Without any rule every version that is live is shown.
    expect(await two.stop()).toBe(0)
    const plain = file('plain.toml', '')
    await two.start(['--config', plain])
    expect(await shown(two, 'votes/a')).toEqual(['{"lena":9}'])
    expect(await shown(two, 'votes/b')).toEqual(['{"x":1,"y":1}'])
    expect(await shown(two, 'notes/a')).toEqual(['{}'])
    expect(await shown(two, 'throwing/!')).toEqual(['c', 'a'])
    expect(await shown(two, 'throwing/a')).toEqual(['b', 'a'])
  })

  it('that differ between members are named by both, until they are the same again', async () => {
    await until(
      'the difference to be known',
      () => Promise.all([one, two].map((daemon) => daemon.client.status())),
      ([here, there]) =>
        here!.warnings.some((text) => /^two resolves 'hanging\/', 'notes\/', 'refused\/' and 2 more/.test(text)) &&
        there!.warnings.some((text) => /^one resolves 'hanging\/', 'notes\/'/.test(text)),
    )
    expect(await two.stop()).toBe(0)
    await two.start()
    await until(
      'the difference to be gone',
      () => Promise.all([one, two].map((daemon) => daemon.client.status())),
      (all) => all.every(({ warnings }) => warnings.every((text) => !text.includes('by another rule'))),
    )
  })
})
