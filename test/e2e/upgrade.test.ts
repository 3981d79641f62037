/**
 * A mesh of an earlier build is upgraded node by node, and loses nothing: of each store format and wire version that is
 * promised.
 */
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { allEqual, connectedTo, type Daemon, Fleet, runProgram, until } from './daemons.js'
import { libp2p2Build, oldProgram, version1Build, whyNotBuilt } from './old-build.js'

const buildMs = 600_000
const testMs = 240_000
/** Synchronisation comes far too late to help: what arrives within a test came by gossip, or at a reconnection. */
const flags = ['--sync-interval', '10m', '--heartbeat-interval', '300ms']
const largeBytes = 700_000

let fleet: Fleet | undefined

afterEach(() => fleet?.end())

/** Writes on one node arrive at another: a small one by gossip, a large one by a fetch. */
async function reaches(from: Daemon, to: Daemon, name: string): Promise<void> {
  const large = name.padEnd(largeBytes, '.')
  await from.client.put(`small/${name}`, name)
  await from.client.put(`large/${name}`, large)
  for (const [key, value] of [
    [`small/${name}`, name],
    [`large/${name}`, large],
  ] as const) {
    await until(
      `${key} from ${from.name} at ${to.name}`,
      () => to.client.get(key),
      (got) => got.value.toString() === value,
    )
  }
}

test.skipIf(whyNotBuilt(libp2p2Build) !== '')(
  `old and new nodes understand each other, and an upgrade loses no write${whyNotBuilt(libp2p2Build)}`,
  { timeout: buildMs + testMs },
  async () => {
    fleet = await Fleet.create()
    const program = oldProgram(libp2p2Build, fleet.folder)
    const names = ['a', 'b', 'c']
    const daemons = await Promise.all(names.map((name) => fleet!.add(name, flags, { program })))
    const { token } = await daemons[0]!.client.invite()
    for (const daemon of daemons.slice(1)) await daemon.client.join(token)
    for (const daemon of daemons) await connectedTo(daemon, 2)

    const acknowledged = new Map<string, string>()
    let isWriting = true
    const writers = daemons.map(async ({ client }, lane) => {
      for (let count = 0; isWriting; count++) {
        const key = `lane/${lane}/${count}`
        const isDone = await client.put(key, key).then(
          () => true,
          () => false,
        )
        if (isDone) acknowledged.set(key, key)
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
    })
    try {
      for (const [index, daemon] of daemons.entries()) {
        await daemon.stop()
        daemon.launch = {}
        await daemon.start()
        for (const each of daemons) await connectedTo(each, 2)
        const other = daemons[(index + 1) % daemons.length]!
        await reaches(daemon, other, `${index}-out`)
        await reaches(other, daemon, `${index}-in`)
      }
    } finally {
      isWriting = false
      await Promise.all(writers)
    }
    await allEqual(daemons)
    expect(acknowledged.size).toBeGreaterThan(100)
    for (const { client } of daemons) {
      for (const [key, value] of acknowledged) expect((await client.get(key)).value.toString(), key).toBe(value)
    }
    process.stdout.write(`upgrade ${JSON.stringify({ nodes: daemons.length, checked: acknowledged.size, lost: 0 })}\n`)
  },
)

test.skipIf(whyNotBuilt(version1Build) !== '')(
  `stores of format 1 are taken over, and nodes of version 1 become equal once all are new${whyNotBuilt(version1Build)}`,
  { timeout: buildMs + testMs },
  async () => {
    fleet = await Fleet.create()
    const program = oldProgram(version1Build, fleet.folder)
    const [a, b] = (await Promise.all(
      ['a', 'b'].map((name) => fleet!.add(name, ['--heartbeat-interval', '300ms'], { program })),
    )) as [Daemon, Daemon]
    await b.client.join((await a.client.invite()).token)
    for (const daemon of [a, b]) await connectedTo(daemon, 1)
    await a.client.put('kept', 'by all')
    await a.client.put('gone', 'soon')
    await a.client.counters.increment('visits', 2)
    await a.client.sets.add('tags', 'old')
    await allEqual([a, b])
    await b.client.delete('gone')
    await allEqual([a, b])
    const backup = join(fleet.folder, 'old.backup')
    expect((await runProgram(['backup', backup, '--data', a.data])).exit).toBe(0)

    await upgrade(a)
    const texts = async (daemon: Daemon) => ({
      kept: (await daemon.client.get('kept')).value.toString(),
      visits: (await daemon.client.counters.get('visits')).value,
    })
    expect(await texts(a)).toEqual({ kept: 'by all', visits: 2 })
    await expect(a.client.get('gone')).rejects.toMatchObject({ code: 'NOT_FOUND' })
    // Heartbeats have the same version in both: the two see each other, and serve their clients.
    for (const daemon of [a, b]) await connectedTo(daemon, 1)
    await a.client.put('new/a', 'written while b is old')
    await b.client.put('old/b', 'written while b is old')
    await b.client.counters.increment('visits', 3)
    await a.client.counters.increment('visits', 5)

    await expect(a.client.get('old/b')).rejects.toMatchObject({ code: 'NOT_FOUND' })

    await upgrade(b)
    await allEqual([a, b])
    for (const daemon of [a, b]) {
      expect(await texts(daemon)).toEqual({ kept: 'by all', visits: 10 })
      for (const key of ['new/a', 'old/b']) expect((await daemon.client.get(key)).siblings).toBe(1)
      await expect(daemon.client.get('gone')).rejects.toMatchObject({ code: 'NOT_FOUND' })
    }

    // There is no way back on the same directory, and a backup of before is good.
    await a.stop()
    a.launch = { program }
    await expect(a.start()).rejects.toThrow('STORE_FORMAT')
    const verified = await runProgram(['backup', 'verify', backup, '--json'])
    expect(JSON.parse(verified.stdout.toString())).toMatchObject({
      node: 'a',
      format: 1,
      types: { reg: 1, ctr: 1, set: 1 },
    })
    const restored = fleet.prepare('restored')
    expect((await runProgram(['restore', backup, '--data', restored.data])).exit).toBe(0)
    await restored.start()
    expect((await restored.client.get('kept')).value.toString()).toBe('by all')
    // It is a new member that finds the others where they were, and learns what came since.
    await until(
      'what came since the backup',
      () => restored.client.counters.get('visits'),
      ({ value }) => value === 10,
    )
  },
)

/** Restarts a daemon of an earlier build as this one, on its data. */
async function upgrade(daemon: Daemon): Promise<void> {
  await daemon.stop()
  daemon.launch = {}
  await daemon.start()
}
