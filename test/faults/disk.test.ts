/**
 * Disks that fail real daemons: full, read-only, with flipped bits. Nothing acknowledged is lost, and nothing damaged
 * is served as sound.
 */
import { execFileSync } from 'node:child_process'
import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, onTestFailed } from 'vitest'
import { allEqual, connectedTo, type Daemon, Fleet, until } from '../e2e/daemons.js'
import { amount } from '../support/effort.js'
import { Random } from '../support/random.js'
import { isRoot, limitMs, note, seedOf, timed, Writers } from './faults.js'

const needsRoot = isRoot ? '' : ' (skipped: needs root to mount and to change users)'
const nobody = 65_534

let fleet: Fleet
const mounts: string[] = []
beforeEach(async () => {
  fleet = await Fleet.create()
  onTestFailed(() => void process.stdout.write(`${fleet.lastWords()}\n`))
})
afterEach(async () => {
  const folder = fleet.folder
  await fleet.end().catch(() => {})
  for (const path of mounts.splice(0).reverse()) execFileSync('umount', ['--lazy', path])
  rmSync(folder, { recursive: true, force: true })
})

function mount(...args: string[]): void {
  execFileSync('mount', args)
  mounts.push(args.at(-1)!)
}

describe('a full disk', () => {
  it.skipIf(!isRoot)(
    `refuses writes, serves reads, and loses nothing${needsRoot}`,
    { timeout: limitMs(300_000) },
    async () => {
      const random = new Random(seedOf(3))
      const tried = amount(1, 1, 6)
      const data = join(fleet.folder, 'small')
      mkdirSync(data)
      mount('-t', 'tmpfs', '-o', 'size=12m,mode=700', 'tmpfs', data)
      const daemon = fleet.prepare('small', [], {}, data)
      const writers = new Writers('full', random)
      const recoveryMs: number[] = []
      for (let round = 0; round < tried; round++) {
        const balloon = join(data, 'balloon')
        await daemon.start()
        await writers.run(daemon, 2, (acknowledged) => acknowledged >= 20)
        fill(balloon, 64 * 1024 * random.below(12))
        const errors = await writers.run(daemon, 8, () => false)
        for (const error of errors) expect(error).toMatchObject({ code: 'STORE_FAILED' })
        // Read-only from now on, and says so; what is there is still served.
        await writersUnchanged(daemon, writers)
        const refused = await daemon.cli(['put', 'one-more', 'value'])
        expect(refused.exit).toBe(1)
        expect(refused.stderr).toContain('STORE_FAILED')
        expect((await daemon.client.status()).warnings.join()).toMatch(/disk failed/)
        // A node on a disk that is still full either starts or says clearly why not; nothing is lost by trying.
        await daemon.stop()
        await daemon.start().then(
          () => daemon.kill(),
          (error: Error) => expect(error.message).toMatch(/STORE_FAILED|ENOSPC|no space/i),
        )
        rmSync(balloon, { force: true })
        recoveryMs.push(await timed(() => daemon.start()))
        await writers.expectKept(daemon)
        await daemon.client.put('after', `round ${round}`)
        expect((await daemon.client.status()).warnings).toEqual([])
        await daemon.stop()
      }
      note({ fault: 'disk full', tried, checked: writers.acknowledged, lost: 0, recoveryMs })
    },
  )

  it.skipIf(!isRoot)(
    `is named, and taken up again by the daemon itself once there is space${needsRoot}`,
    { timeout: limitMs(180_000) },
    async () => {
      const tried = amount(1, 1, 3)
      const data = join(fleet.folder, 'comes-back')
      mkdirSync(data)
      mount('-t', 'tmpfs', '-o', 'size=64m,mode=700', 'tmpfs', data)
      const daemon = fleet.prepare('comes-back', [], {}, data)
      await daemon.start()
      const { pid } = daemon
      const writers = new Writers('full', new Random(seedOf(12)))
      const recoveryMs: number[] = []
      for (let round = 0; round < tried; round++) {
        const balloon = join(data, 'balloon')
        expect(await writers.run(daemon, 4, (acknowledged) => acknowledged >= 100)).toEqual([])
        fill(balloon, 64 * 1024)
        for (const error of await writers.run(daemon, 8, () => false)) {
          expect(error).toMatchObject({ code: 'STORE_FAILED', details: { system: 'ENOSPC' } })
        }
        expect((await daemon.client.status()).warnings.join()).toMatch(/ENOSPC.*free space there/)
        expect(daemon.stderr).toContain('ENOSPC')
        await writersUnchanged(daemon, writers)
        rmSync(balloon)
        recoveryMs.push(
          await timed(() =>
            until(
              'writes again',
              () => daemon.client.put('after', `round ${round}`),
              () => true,
            ),
          ),
        )
        await writers.expectKept(daemon)
        expect((await daemon.client.status()).warnings).toEqual([])
      }
      expect(daemon.pid).toBe(pid)
      note({ fault: 'disk full, then not', tried, checked: writers.acknowledged, lost: 0, recoveryMs })
    },
  )

  /** Takes all space but so many bytes. */
  function fill(path: string, leaveBytes: number): void {
    const chunk = Buffer.alloc(64 * 1024)
    let chunks = 0
    try {
      for (;;) {
        writeFileSync(path, chunk, { flag: 'a' })
        chunks++
      }
    } catch (error) {
      expect(error).toMatchObject({ code: 'ENOSPC' })
    }
    const bytes = Math.max(0, chunks * chunk.length - leaveBytes)
    writeFileSync(path, Buffer.alloc(bytes))
  }

  /** Every key is readable; what was under way may be either. */
  async function writersUnchanged(daemon: Daemon, writers: Writers): Promise<void> {
    let shown = 0
    for await (const item of daemon.client.list({ prefix: 'full/', values: true, limit: 2000 })) {
      expect((await daemon.client.get(item.key)).value.toString()).toBe(item.value)
      shown++
    }
    expect(shown).toBeGreaterThan(0)
    expect(shown).toBeLessThanOrEqual(writers.keys)
  }
})

describe('a data directory that cannot be written', () => {
  it.skipIf(!isRoot)(`by permission: a clear error and exit code 1${needsRoot}`, async () => {
    const data = join(fleet.folder, 'theirs')
    const daemon = fleet.prepare('theirs', [], {}, data)
    await daemon.start()
    await daemon.client.put('kept', 'kept')
    await daemon.stop()
    chmodSync(fleet.folder, 0o755)
    daemon.launch = { prefix: ['setpriv', `--reuid=${nobody}`, `--regid=${nobody}`, '--clear-groups'] }
    await expect(daemon.start()).rejects.toThrow(/ended with 1 [\s\S]*error [A-Z_]+: .*theirs/)
    // Owned by that user, but not writable.
    for (const path of [data, join(data, 'store'), ...files(data), ...files(join(data, 'store'))]) {
      chownSync(path, nobody, nobody)
    }
    chmodSync(join(data, 'store'), 0o500)
    await expect(daemon.start()).rejects.toThrow(/ended with 1 [\s\S]*error STORE_FAILED: /)
    chmodSync(join(data, 'store'), 0o700)
    await daemon.start()
    expect((await daemon.client.get('kept')).value.toString()).toBe('kept')
    note({ fault: 'data directory without permission', tried: 2, checked: 1, lost: 0 })
  })

  it.skipIf(!isRoot)(`by a read-only mount: a clear error and exit code 1${needsRoot}`, async () => {
    const daemon = await fleet.add('frozen')
    await daemon.client.put('kept', 'kept')
    await daemon.stop()
    const { data } = daemon
    mount('--bind', data, data)
    execFileSync('mount', ['-o', 'remount,ro,bind', data])
    await expect(daemon.start()).rejects.toThrow(/ended with 1 [\s\S]*error [A-Z_]+: .*(read-only|cannot be)/i)
    execFileSync('mount', ['-o', 'remount,rw,bind', data])
    await daemon.start()
    expect((await daemon.client.get('kept')).value.toString()).toBe('kept')
    note({ fault: 'data directory read-only', tried: 1, checked: 1, lost: 0 })
  })

  function files(path: string): string[] {
    return readdirSync(path).map((name) => join(path, name))
  }
})

describe('flipped bits', () => {
  let crashes = 0

  it('in table files of one of two nodes are found, reported, repaired from the other, and harm nothing there', {
    timeout: limitMs(300_000),
  }, async () => {
    const random = new Random(seedOf(4))
    const tried = amount(1, 2, 16)
    const nodes = (await fleet.mesh(['sound', 'rotten'], ['--sync-interval', '2s'])) as [Daemon, Daemon]
    const [sound, rotten] = nodes
    const writers = new Writers('bits', random)
    const recoveryMs: number[] = []
    let reported = 0
    for (let round = 0; round < tried; round++) {
      await writers.run(round % 2 === 0 ? sound : rotten, 8, (acknowledged) => acknowledged >= 400)
      await allEqual(nodes)
      await rotten.stop()
      // LevelDB turns its log into a table at each start.
      await rotten.start()
      await connectedTo(rotten, 1)
      await rotten.stop()
      const before = await sound.client.status()
      const flipped = flip(rotten.data, random)
      let warnings: readonly string[] = []
      recoveryMs.push(
        await timed(async () => {
          await again(rotten, () => expectNeverWrong(rotten, sound))
          await again(rotten, () => becomesSound(rotten))
          await connectedTo(rotten, 1)
          await allEqual(nodes)
          warnings = (await rotten.client.status()).warnings
        }),
      )
      if (rotten.stderr.includes('damage') || warnings.length > 0) reported++
      expect((await sound.client.status()).entries, `flipped ${flipped}`).toBe(before.entries)
      await writers.expectKept(sound)
      await writers.expectKept(rotten)
    }
    expect(reported).toBeGreaterThan(0)
    process.stdout.write(`the process ended ${crashes} times inside LevelDB\n`)
    note({ fault: 'bit flips in table files', tried, checked: writers.acknowledged, lost: 0, recoveryMs })
  })

  /** The first block, and every block that is sure to hold rows: the rest of a table is index and footer. */
  const places = {
    'a block of data': (): number[] => [100],
    'every block of data': (length: number) => range(100, length * 0.75, 400),
  }

  it.each(Object.keys(places) as (keyof typeof places)[])(
    'in %s are repaired by the daemon itself, in the same process',
    { timeout: limitMs(180_000) },
    async (where) => {
      const names = ['sound', 'rotten'].map((name) => `${name}-${where.split(' ')[0]}`)
      const nodes = (await fleet.mesh(names, ['--sync-interval', '2s'])) as [Daemon, Daemon]
      const [, rotten] = nodes
      const writers = new Writers(`mended-${names[0]}`, new Random(seedOf(9)))
      await writers.run(rotten, 8, (acknowledged) => acknowledged >= 400)
      await allEqual(nodes)
      await rotten.stop()
      // LevelDB turns its log into a table at each start.
      await rotten.start()
      // One that is not known to be sound has all of its tables checked before LevelDB sees them.
      await until(
        'verified',
        async () => existsSync(join(rotten.data, 'store.unverified')),
        (is) => !is,
      )
      await rotten.stop()
      const store = join(rotten.data, 'store')
      const [largest] = readdirSync(store)
        .filter((name) => name.endsWith('.ldb'))
        .map((name) => ({ name, bytes: readFileSync(join(store, name)) }))
        .sort((a, b) => b.bytes.length - a.bytes.length)
      const { name, bytes } = largest!
      for (const at of places[where](bytes.length)) bytes[at]! ^= 0x10
      writeFileSync(join(store, name), bytes)
      await rotten.start()
      const { pid } = rotten
      await until(
        'restarted',
        async () => rotten.stderr,
        (text) => text.includes('restarting'),
      )
      await becomesSound(rotten)
      await connectedTo(rotten, 1)
      await allEqual(nodes)
      expect(rotten.pid).toBe(pid)
      expect(rotten.isRunning).toBe(true)
      await writers.expectKept(rotten)
      await rotten.client.put(`afterwards-${names[1]}`, 'afterwards')
    },
  )

  /**
   * Does something with a daemon that may end meanwhile: LevelDB itself ends the process when it compacts keys out of
   * order. The start after that finds the damage before LevelDB sees it.
   */
  async function again(daemon: Daemon, work: () => Promise<void>): Promise<void> {
    for (let attempt = 0; ; attempt++) {
      try {
        if (!daemon.isRunning) await daemon.start()
        return await work()
      } catch (error) {
        if (daemon.isRunning || attempt === 2) throw error
        crashes++
      }
    }
  }

  /** Flips one to eight bits in a table file. Returns where. */
  function flip(data: string, random: Random): string {
    const store = join(data, 'store')
    const tables = readdirSync(store).filter((name) => name.endsWith('.ldb'))
    expect(tables.length).toBeGreaterThan(0)
    const name = tables[random.below(tables.length)]!
    const bytes = readFileSync(join(store, name))
    const places = Array.from({ length: 1 + random.below(8) }, () => random.below(bytes.length))
    for (const at of places) bytes[at]! ^= 1 << random.below(8)
    writeFileSync(join(store, name), bytes)
    return `${name} at ${places.join(', ')}`
  }

  /**
   * While the damage is there each key is answered rightly, or with an error that says so, or the status warns of the
   * damage.
   */
  async function expectNeverWrong(rotten: Daemon, sound: Daemon): Promise<void> {
    const wrong: string[] = []
    for await (const { key } of sound.client.list({ prefix: 'bits/', limit: 2000 })) {
      const right = (await sound.client.get(key)).value
      const answer = await answered(rotten, () => rotten.client.get(key)).then(
        ({ value }) => (value.equals(right) ? 'right' : `other bytes for ${key}`),
        (error: { code?: string }) => error.code ?? String(error),
      )
      if (['right', 'DAMAGED_VALUE', 'NOT_VERIFIED'].includes(answer)) continue
      const { warnings } = await answered(rotten, () => rotten.client.status())
      if (!warnings.some((warning) => warning.includes('damage'))) wrong.push(`${answer} for ${key}`)
    }
    expect(wrong).toEqual([])
  }

  /** What the daemon answers, which may be restarting meanwhile. */
  async function answered<T>(daemon: Daemon, ask: () => Promise<T>): Promise<T> {
    const isAway = (error: { code?: string }) => error.code === 'UNREACHABLE_DAEMON' && daemon.isRunning
    const outcome = await until(
      'an answer',
      () =>
        ask().then(
          (answer) => ({ answer }),
          (error) => ({ error }),
        ),
      (seen) => !('error' in seen && isAway(seen.error)),
    )
    if ('error' in outcome) throw outcome.error
    return outcome.answer
  }

  /** The store is verified, and no damage is left that only a new start could mend: the daemon does that by itself. */
  async function becomesSound(daemon: Daemon): Promise<void> {
    await until(
      'verified, and sound',
      async () => {
        if (!daemon.isRunning) throw new Error('the process has ended')
        return { health: await daemon.client.health(), warnings: (await daemon.client.status()).warnings }
      },
      ({ health, warnings }) =>
        JSON.stringify(health.details).includes('"verified":true') && !warnings.join().includes('restarts'),
    )
  }
})

function range(from: number, below: number, step: number): number[] {
  return Array.from({ length: Math.ceil((below - from) / step) }, (_, at) => from + at * step)
}
