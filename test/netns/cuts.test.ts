/** Three hosts and every kind of cut: both sides write meanwhile, and afterwards every node has every write of both. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Daemon } from '../e2e/daemons.js'
import { note, seedOf, timed } from '../faults/faults.js'
import { amount, inCi, isShort } from '../support/effort.js'
import { paragraphs } from '../support/package-database.js'
import { Random } from '../support/random.js'
import { NetnsMesh } from './mesh.js'
import { canPartition, skipReason } from './namespaces.js'
import { Writes } from './writes.js'

const near = ['one', 'two'] as const
const far = ['three'] as const
const sameKeys = 10
const changedKeys = 20
/** As many are added as deleted: in a long test the keys would run out otherwise, and the deletes with them. */
const deletedKeys = 10

describe.skipIf(!canPartition)(`a package database on three hosts${skipReason}`, () => {
  const random = new Random(seedOf(31))
  const writes = new Writes(random)
  let mesh: NetnsMesh
  let one: Daemon
  let two: Daemon
  let three: Daemon

  beforeAll(async () => {
    mesh = await NetnsMesh.create([...near, ...far])
    one = mesh.daemon('one')
    two = mesh.daemon('two')
    three = mesh.daemon('three')
    await mesh.join()
    await mesh.import(one, paragraphs(), writes)
    await mesh.converge()
    await mesh.expectWhole(writes)
  }, 180_000)
  afterAll(() => mesh?.end())

  /**
   * Both sides change, delete and add other keys, and ten keys without a view of each other. Returns those ten; fewer
   * when not everybody has heard of everything before.
   */
  async function writeOnBothSides(): Promise<string[]> {
    const keys = writes.liveKeys()
    const take = (count: number) => keys.splice(0, count)
    const side = async (nodes: readonly Daemon[], changed: string[], deleted: string[]) => {
      const nodeOf = (at: number) => nodes[at % nodes.length]!
      for (const [at, key] of changed.entries()) await writes.put(nodeOf(at), key)
      for (const [at, key] of deleted.entries()) await writes.delete(nodeOf(at), key)
      for (let at = 0; at < deletedKeys; at++) await writes.put(nodeOf(at), `new/${nodeOf(at).name}/${writes.count}`)
    }
    const candidates = take(sameKeys)
    const same: string[] = []
    const sides = [
      side([one, two], take(changedKeys), take(deletedKeys)),
      side([three], take(changedKeys), take(deletedKeys)),
    ]
    for (const key of candidates) if (await writes.putOnBoth(two, three, key)) same.push(key)
    await Promise.all(sides)
    return same
  }

  /** The acceptance test of the whole mesh, after the network is whole again. */
  async function expectHealed(same: readonly string[], count = sameKeys): Promise<void> {
    expect(same.length).toBeGreaterThanOrEqual(count)
    await mesh.converge()
    await mesh.expectWhole(writes)
    for (const { client } of mesh.daemons) {
      for (const key of same) {
        const { versions } = await client.getAll(key)
        expect(versions.length, key).toBeGreaterThanOrEqual(2)
        expect(versions, key).toHaveLength(writes.expected(key).length)
      }
    }
  }

  /** A cut that lasts until both sides have noticed it and have written. */
  async function survive(fault: string, cut: () => Promise<void>, heal: () => Promise<void>): Promise<void> {
    const noticedMs: number[] = []
    const usedMs: number[] = []
    const before = writes.count
    const tried = amount(1, 1, 5)
    for (let round = 0; round < tried; round++) {
      await cut()
      const noticed = timed(() => mesh.reach(near, far))
      const same = await writeOnBothSides()
      noticedMs.push(await noticed)
      await writes.put(one, `late/${round}/${fault}`)
      await expect(three.client.get(`late/${round}/${fault}`)).rejects.toMatchObject({ code: 'NOT_FOUND' })
      await heal()
      usedMs.push(await timed(() => mesh.reach()))
      await expectHealed(same)
    }
    const checked = writes.count - before
    note({ fault: `${fault}: noticed`, tried, checked: 0, lost: 0, recoveryMs: noticedMs })
    note({ fault: `${fault}: healed`, tried, checked, lost: 0, recoveryMs: usedMs })
  }

  it('a cut in both directions', { timeout: 240_000 }, () =>
    survive(
      'all packets dropped between 2 and 1',
      () => mesh.hosts.split(near, far),
      () => mesh.hosts.heal(),
    ),
  )

  it('a cut in one direction', { timeout: 240_000 }, () =>
    survive(
      'packets dropped in one direction',
      () => mesh.hosts.drop({ from: far, to: near }),
      () => mesh.hosts.heal(),
    ),
  )

  it.skipIf(isShort)(`a cable pulled${inCi}`, { timeout: 240_000 }, () =>
    survive(
      'link down',
      () => mesh.hosts.unplug('three'),
      () => mesh.hosts.plug('three'),
    ),
  )

  /** Writes on both sides for as long as the network is out of order. */
  async function writeThrough<T>(fault: string, tried: number, disorder: Promise<T>): Promise<T> {
    const before = writes.count
    const same: string[] = []
    let isOver = false
    const ended = disorder.finally(() => {
      isOver = true
    })
    try {
      while (!isOver) same.splice(0, sameKeys, ...(await writeOnBothSides()))
    } finally {
      // Or it would go on under the tests that follow.
      await ended
    }
    const usedMs = await timed(() => mesh.reach())
    await expectHealed(same, 1)
    note({ fault, tried, checked: writes.count - before, lost: 0, recoveryMs: [usedMs] })
    return ended
  }

  it.skipIf(isShort)(`a link that comes and goes${inCi}`, { timeout: 240_000 }, () => {
    const tried = amount(1, 4, 40)
    return writeThrough('link flapping', tried, mesh.hosts.flap(tried, random, near, far))
  })

  it('connections that break in the middle of what they carry', { timeout: 240_000 }, async () => {
    const tried = amount(2, 8, 80)
    const broken = await writeThrough('connections broken', tried, mesh.hosts.breakConnections(tried, random))
    expect(broken).toBeGreaterThanOrEqual(tried / 2)
  })

  it.skipIf(isShort)(
    `a link that loses a fifth of all packets: no heal is needed${inCi}`,
    { timeout: 240_000 },
    async () => {
      const before = writes.count
      const all = [...near, ...far]
      await mesh.hosts.drop({ from: all, to: all, percent: 20 })
      const same = await writeOnBothSides()
      const recoveryMs = [await timed(() => expectHealed(same))]
      await mesh.hosts.heal()
      note({ fault: 'a fifth of all packets lost', tried: 1, checked: writes.count - before, lost: 0, recoveryMs })
    },
  )

  it.skipIf(isShort)(`a slow link${inCi}`, { timeout: 240_000 }, async () => {
    const before = writes.count
    await mesh.hosts.limit('three', '1mbit')
    const same = await writeOnBothSides()
    const large = Array.from({ length: 24 }, (_, at) => [`large/one/${at}`, `large/three/${at}`] as const)
    for (const [here, there] of large)
      await Promise.all([writes.put(one, here, 15_000), writes.put(three, there, 15_000)])
    const recoveryMs = [await timed(() => expectHealed(same))]
    await mesh.hosts.unlimit('three')
    note({ fault: 'a link of 1 Mbit/s', tried: 1, checked: writes.count - before, lost: 0, recoveryMs })
  })
})
