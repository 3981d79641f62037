/**
 * Five hosts: found without an address, cut in changing ways before anything has healed, strung into a chain, moved to
 * other addresses.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Daemon } from '../e2e/daemons.js'
import { note, seedOf, timed } from '../faults/faults.js'
import { amount, inCi, isShort } from '../support/effort.js'
import { Random } from '../support/random.js'
import { NetnsMesh } from './mesh.js'
import { canPartition, skipReason } from './namespaces.js'
import { Writes } from './writes.js'

const names = ['one', 'two', 'three', 'four', 'five'] as const
const keysOfEach = 6
/** Keys that nothing else writes, for each of the cuts. */
const [first, second, chain] = ['first', 'second', 'chain'].map((cut) =>
  [0, 1, 2, 3, 4].map((at) => `same/${cut}/${at}`),
) as [string[], string[], string[]]

describe.skipIf(!canPartition)(`five hosts${skipReason}`, () => {
  const random = new Random(seedOf(32))
  const writes = new Writes(random)
  let mesh: NetnsMesh
  let nodes: readonly Daemon[]

  beforeAll(async () => {
    mesh = await NetnsMesh.create(names)
    nodes = mesh.daemons
  })
  afterAll(() => mesh?.end())

  /** Every node changes and deletes keys of all, and adds some. */
  async function writeEverywhere(): Promise<void> {
    const keys = writes.liveKeys().filter((key) => !key.startsWith('same/'))
    const write = async (node: Daemon, mine: string[], removed: string | undefined) => {
      for (const key of mine) await writes.put(node, key)
      if (removed !== undefined) await writes.delete(node, removed)
      for (let at = 0; at < 3; at++) await writes.put(node, `at-${node.name}/${writes.count}`)
    }
    await Promise.all(nodes.map((node) => write(node, keys.splice(0, keysOfEach), keys.shift())))
  }

  /** Two nodes write the same keys without a view of each other. */
  async function writeSame(one: Daemon, other: Daemon, same: readonly string[]): Promise<void> {
    for (const key of same) expect(await writes.putOnBoth(one, other, key)).toBe(true)
  }

  async function expectSiblings(same: readonly string[]): Promise<void> {
    for (const { client } of nodes) {
      for (const key of same) expect((await client.getAll(key)).versions).toHaveLength(2)
    }
  }

  it('that have the secret of their mesh and no address find each other by multicast', {
    timeout: 240_000,
  }, async () => {
    const recoveryMs = [await timed(() => mesh.discover())]
    for (const key of [...first, ...second, ...chain]) await writes.put(nodes[0]!, key)
    await writeEverywhere()
    await mesh.converge()
    await mesh.expectWhole(writes)
    note({ fault: 'five hosts find each other by mDNS', tried: 1, checked: writes.count, lost: 0, recoveryMs })
  })

  it('cut into 2 + 3, then into 1 + 4 with others together, then healed', { timeout: 300_000 }, async () => {
    const [one, two, three, , five] = nodes as [Daemon, Daemon, Daemon, Daemon, Daemon]
    const before = writes.count
    const recoveryMs: number[] = []
    const tried = amount(1, 1, 5)
    for (let round = 0; round < tried; round++) {
      await mesh.hosts.split(['one', 'two'], ['three', 'four', 'five'])
      await writeEverywhere()
      await mesh.reach(['one', 'two'], ['three', 'four', 'five'])
      await writeSame(two, three, first)
      await mesh.hosts.split(['two'], ['one', 'three', 'four', 'five'])
      await writeEverywhere()
      await mesh.reach(['two'], ['one', 'three', 'four', 'five'])
      await writeSame(two, five, second)
      await writes.put(one, `late/${round}`)
      await mesh.hosts.heal()
      recoveryMs.push(await timed(() => mesh.reach()))
      await mesh.converge()
      await mesh.expectWhole(writes)
      await expectSiblings([...first, ...second])
    }
    note({ fault: '2 + 3, then 1 + 4, then healed', tried, checked: writes.count - before, lost: 0, recoveryMs })
  })

  it.skipIf(isShort)(
    `in a chain, each reaching its neighbours alone, become equal${inCi}`,
    { timeout: 240_000 },
    async () => {
      const [one, , , , five] = nodes as [Daemon, Daemon, Daemon, Daemon, Daemon]
      const before = writes.count
      const near = (at: number) => names.filter((_, other) => Math.abs(at - other) === 1)
      const far = (at: number) => names.filter((_, other) => Math.abs(at - other) > 1)
      await mesh.hosts.drop(...names.map((name, at) => ({ from: [name], to: far(at) })))
      await writeEverywhere()
      await writeSame(one, five, chain)
      await mesh.reachability(names.map((name, at) => `${name} reaches ${near(at).toSorted()}`))
      await writes.put(one, 'at-one-end')
      await writes.put(five, 'at-the-other-end')
      const recoveryMs = [await timed(() => mesh.converge())]
      for (const node of nodes) await writes.expectKept(node)
      await expectSiblings(chain)
      const states = await Promise.all(nodes.map(async ({ client }) => (await client.status()).root))
      expect(new Set(states).size).toBe(1)
      note({ fault: 'a chain of five', tried: 1, checked: writes.count - before, lost: 0, recoveryMs })
      await mesh.hosts.heal()
      await mesh.reach()
      await mesh.expectWhole(writes)
    },
  )

  it.skipIf(isShort)(
    `are found again at other addresses, also when two have changed theirs for each other${inCi}`,
    {
      timeout: 240_000,
    },
    async () => {
      const before = writes.count
      const recoveryMs: number[] = []
      const move = async (...moves: [string, number][]) => {
        for (const [name, number] of moves) await mesh.hosts.readdress(name, number)
        await writeEverywhere()
        recoveryMs.push(await timed(() => mesh.reach()))
        await mesh.converge()
        await mesh.expectWhole(writes)
      }
      await move(['five', 50])
      await move(['three', 33], ['four', 3], ['three', 4])
      note({ fault: 'addresses changed', tried: 2, checked: writes.count - before, lost: 0, recoveryMs })
    },
  )
})
