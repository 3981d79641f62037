/**
 * The settings: durations and sizes, the table, precedence, clear errors, and the example file kept equal to the table.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parse as parseToml } from 'smol-toml'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { exampleFile } from '../../daemon/config/example.js'
import { flagOf, knobNames, variableOf } from '../../daemon/config/knobs.js'
import { type ConfigSources, defaultDataDirectory, effectiveSettings, loadConfig } from '../../daemon/config/load.js'
import { formatDuration, formatSize, parseAcks, parseDuration, parseSize } from '../../daemon/config/parse.js'

let home: string
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'hearsay-config-'))
})
afterEach(() => rmSync(home, { recursive: true, force: true }))

function sources(parts: Partial<ConfigSources> = {}): ConfigSources {
  return { flags: {}, environment: { HEARSAY_DATA: home }, home, hostname: 'host-a', ...parts }
}

function file(text: string): string {
  const path = join(home, 'config.toml')
  writeFileSync(path, text)
  return path
}

describe('durations and sizes', () => {
  it.each([
    ['250ms', 250],
    ['30s', 30_000],
    ['1.5m', 90_000],
    ['1h30m', 5_400_000],
    ['7d', 604_800_000],
    ['2w', 1_209_600_000],
    ['0s', 0],
  ])('reads the duration %s', (text, ms) => expect(parseDuration(text)).toBe(ms))

  it.each(['', '30', 's', '-1s', '1 s', '1S', '1e3s', '30s ', 'infinity', '9999999999999999w'])(
    'refuses the duration %j',
    (text) => expect(() => parseDuration(text)).toThrow(),
  )

  it.each([
    ['4096', 4096],
    ['1B', 1],
    ['64MiB', 67_108_864],
    ['1.5KiB', 1536],
    ['8 MB', 8_000_000],
    ['2GiB', 2_147_483_648],
  ])('reads the size %s', (text, bytes) => expect(parseSize(text)).toBe(bytes))

  it.each(['', 'MiB', '-1', '1mib', '1 KiBs', '99999999999999TiB'])('refuses the size %j', (text) =>
    expect(() => parseSize(text)).toThrow(),
  )

  it('writes both so that they read back', () => {
    for (const ms of [0, 250, 1000, 90_000, 604_800_000, 1]) expect(parseDuration(formatDuration(ms))).toBe(ms)
    for (const bytes of [0, 1, 1023, 1024, 67_108_864, 3 * 1024 ** 3]) expect(parseSize(formatSize(bytes))).toBe(bytes)
  })

  it('reads how many acknowledgements', () => {
    expect([parseAcks('1'), parseAcks('majority'), parseAcks('all')]).toEqual([1, 'majority', 'all'])
    for (const text of ['0', '-1', '1.5', 'most', '']) expect(() => parseAcks(text)).toThrow()
  })
})

describe('precedence', () => {
  it('goes from defaults over the file and the environment to flags, and says where each value comes from', async () => {
    file('name = "from-file"\nmdns = false\n[sync]\ninterval = "3s"\n[log]\nmaxBytes = 1234\n')
    const config = await loadConfig(
      sources({
        environment: { HEARSAY_DATA: home, HEARSAY_SYNC_INTERVAL: '4s', HEARSAY_LOG_MAX_BYTES: '64KiB' },
        flags: { 'sync-interval': '5s', listen: ['/ip4/127.0.0.1/tcp/0'] },
      }),
    )
    expect(config.settings).toMatchObject({
      data: home,
      name: 'from-file',
      mdns: false,
      'sync.interval': 5000,
      'log.maxBytes': 65_536,
      listen: ['/ip4/127.0.0.1/tcp/0'],
      durability: 'fsync',
    })
    expect(config.origins).toMatchObject({
      data: 'environment',
      name: 'file',
      'sync.interval': 'flag',
      'log.maxBytes': 'environment',
      durability: 'default',
    })
    expect(config.file).toBe(join(home, 'config.toml'))
    expect(Object.isFrozen(config.settings)).toBe(true)
  })

  it('takes flags in kebab case and in camel case', async () => {
    const { settings } = await loadConfig(sources({ flags: { logFormat: 'json', 'log-max-age': '2d', mdns: false } }))
    expect(settings).toMatchObject({ logFormat: 'json', 'log.maxAge': 172_800_000, mdns: false })
  })

  it('finds the data directory by flag, variable, XDG, home', async () => {
    const byFlag = await loadConfig(sources({ flags: { data: join(home, 'x') } }))
    expect(byFlag.settings.data).toBe(join(home, 'x'))
    expect(defaultDataDirectory({ XDG_DATA_HOME: '/xdg' }, '/h')).toBe('/xdg/hearsay')
    expect(defaultDataDirectory({ XDG_DATA_HOME: 'relative' }, '/h')).toBe('/h/.local/share/hearsay')
    expect(defaultDataDirectory({}, '/h')).toBe('/h/.local/share/hearsay')
  })

  it('has a flag and a variable for every knob, none twice, and keeps HEARSAY_API for the command line', () => {
    const flags = knobNames.map(flagOf)
    expect(new Set(flags).size).toBe(flags.length)
    expect(flagOf('log.maxBytes')).toBe('log-max-bytes')
    expect(flagOf('logFormat')).toBe('log-format')
    expect(variableOf('sync.interval')).toBe('HEARSAY_SYNC_INTERVAL')
    expect(variableOf('api')).toBeUndefined()
  })
})

describe('errors', () => {
  it.each([
    ['colour = "red"', 'colour'],
    ['[log]\nmaxByte = 1', 'log.maxByte'],
    ['[nosuch]\nx = 1', 'nosuch'],
    ['[sync]\ninterval = 30', 'sync.interval'],
    ['[values]\nmaxBytes = "65MiB"', 'values.maxBytes'],
    ['durability = "never"', 'durability'],
    ['listen = ["nonsense"]', 'listen'],
    ['api = ["127.0.0.1:70000"]', 'api'],
    ['resolvers = [{ prefix = "a" }]', 'resolvers'],
    ['resolvers = [{ prefix = "a", use = "newest" }]', 'resolvers'],
    ['resolvers = [{ prefix = "a", use = "lww", x = 1 }]', 'resolvers'],
    ['name = "has space"', 'name'],
    ['mdns = "perhaps"', 'mdns'],
    ['data = "/elsewhere"', 'data'],
    ['name = ', 'config'],
  ])('the file %j is refused and the message names the key', async (text, key) => {
    file(text)
    const failure = await loadConfig(sources()).catch((error: unknown) => error)
    expect(failure).toMatchObject({ code: 'BAD_CONFIG', details: { key } })
    if (key !== 'config') expect((failure as Error).message).toContain(key)
  })

  it('suggests the right name', async () => {
    file('[log]\nmaxbytes = 1')
    await expect(loadConfig(sources())).rejects.toThrow("did you mean 'log.maxBytes'")
  })

  it('refuses a missing --config, an unknown flag and a wrong variable', async () => {
    await expect(loadConfig(sources({ flags: { config: join(home, 'none') } }))).rejects.toThrow('there is no file')
    await expect(loadConfig(sources({ flags: { nonsense: '1' } }))).rejects.toThrow('--nonsense')
    const environment = { HEARSAY_DATA: home, HEARSAY_DURABILITY: 'x' }
    await expect(loadConfig(sources({ environment }))).rejects.toThrow('HEARSAY_DURABILITY')
  })

  it('warns of an unknown variable, but not of those of the command line', async () => {
    const environment = { HEARSAY_DATA: home, HEARSAY_API: 'x', HEARSAY_TOKEN: 'x', HEARSAY_SYNC_INTERVALL: '1s' }
    const { warnings } = await loadConfig(sources({ environment }))
    expect(warnings).toHaveLength(1)
    expect(warnings[0]).toContain('HEARSAY_SYNC_INTERVALL')
  })
})

describe('resolvers', () => {
  it('are read from the file and, as JSON, from a variable', async () => {
    file('resolvers = [{ prefix = "cache/", use = "lww" }, { prefix = "", use = "./merge.js" }]')
    const fromFile = await loadConfig(sources())
    expect(fromFile.settings.resolvers).toEqual([
      { prefix: 'cache/', use: 'lww' },
      { prefix: '', use: join(home, 'merge.js') },
    ])
    const environment = { HEARSAY_DATA: home, HEARSAY_RESOLVERS: '[{"prefix":"a","use":"siblings"}]' }
    const fromVariable = await loadConfig(sources({ environment }))
    expect(fromVariable.settings.resolvers).toEqual([{ prefix: 'a', use: 'siblings' }])
  })

  it('name modules from where they stand: the folder of the file, or the folder that the daemon is started in', async () => {
    const folder = join(home, 'etc')
    mkdirSync(folder)
    writeFileSync(join(folder, 'node.toml'), 'resolvers = [{ prefix = "a", use = "../merge.mjs" }]')
    const fromFile = await loadConfig(sources({ flags: { config: join(folder, 'node.toml') } }))
    expect(fromFile.settings.resolvers).toEqual([{ prefix: 'a', use: join(home, 'merge.mjs') }])
    const environment = { HEARSAY_DATA: home, HEARSAY_RESOLVERS: '[{"prefix":"a","use":"./merge.mjs"}]' }
    const fromVariable = await loadConfig(sources({ environment }))
    expect(fromVariable.settings.resolvers).toEqual([{ prefix: 'a', use: resolve('merge.mjs') }])
  })

  it.each([
    ['a prefix over the limit', [{ prefix: 'x'.repeat(257), use: 'lww' }]],
    ['a prefix that is no text', [{ prefix: '\ud800', use: 'lww' }]],
    ['too many modules', Array.from({ length: 17 }, (_, at) => ({ prefix: `${at}`, use: `./${at}.mjs` }))],
    ['too many', Array.from({ length: 65 }, (_, at) => ({ prefix: `${at}`, use: 'lww' }))],
  ])('%s is refused', async (_, rules) => {
    const environment = { HEARSAY_DATA: home, HEARSAY_RESOLVERS: JSON.stringify(rules) }
    await expect(loadConfig(sources({ environment }))).rejects.toMatchObject({ code: 'BAD_CONFIG' })
  })
})

describe('what is shown', () => {
  it('shows values as they would stand in the file, with their origin, and no secret', async () => {
    const config = await loadConfig(sources({ flags: { join: 'hearsay-secret', 'values-max-bytes': '2MiB' } }))
    const rows = new Map(effectiveSettings(config).map((row) => [row.name, row]))
    expect(rows.get('values.maxBytes')).toMatchObject({ value: '2MiB', origin: 'flag', flag: '--values-max-bytes' })
    expect(rows.get('sync.interval')).toMatchObject({ value: '10s', origin: 'default' })
    expect(rows.get('join')).toMatchObject({ value: '(secret)', origin: 'flag' })
    expect(JSON.stringify([...rows.values()])).not.toContain('hearsay-secret')
  })

  it('the example file in docs/ is what the table says', () => {
    const onDisk = readFileSync(new URL('../../docs/hearsay.example.toml', import.meta.url), 'utf8')
    expect(onDisk).toBe(exampleFile())
  })

  it('the example file with every line switched on is accepted and sets the defaults', async () => {
    const lines = exampleFile()
      .split('\n')
      .map((line) => line.replace(/^# (?=[a-zA-Z]+ = )/, ''))
    const machineBound = ['data', 'name', 'join', 'resp', 'resolvers']
    const kept = lines.filter((line) => !machineBound.some((name) => line.startsWith(`${name} = `)))
    expect(Object.keys(parseToml(lines.join('\n')))).toContain('resolvers')
    file(kept.join('\n'))
    const fromFile = await loadConfig(sources())
    const byDefault = await loadConfig(sources({ environment: { HEARSAY_DATA: join(home, 'empty') } }))
    expect(fromFile.settings).toEqual({ ...byDefault.settings, data: home })
    for (const name of knobNames) {
      if (!machineBound.includes(name)) expect(fromFile.origins[name]).toBe('file')
    }
  })
})
