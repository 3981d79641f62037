/** A mesh of the last build on libp2p 2 is upgraded node by node, under writes, and loses nothing. */
import { afterEach, expect, test } from 'vitest'
import { allEqual, connectedTo, type Daemon, Fleet, until } from './daemons.js'
import { oldProgram, whyNoOldBuild } from './old-build.js'

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

test.skipIf(whyNoOldBuild !== '')(
  `old and new nodes understand each other, and an upgrade loses no write${whyNoOldBuild}`,
  { timeout: buildMs + testMs },
  async () => {
    fleet = await Fleet.create()
    const program = oldProgram(fleet.folder)
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
