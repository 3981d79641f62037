/**
 * Copied data directories: a second live node from a copy, and an old copy put back. No dot is issued twice, nothing is
 * lost.
 */
import { cpSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, onTestFailed } from 'vitest'
import { allEqual, connectedTo, type Daemon, Fleet, until } from '../e2e/daemons.js'
import { amount, inCi, isShort } from '../support/effort.js'
import { Random } from '../support/random.js'
import { limitMs, note, seedOf, timed, Writers } from './faults.js'

const interval = ['--sync-interval', '1s']

describe('copied data directories', () => {
  let fleet: Fleet
  beforeEach(async () => {
    fleet = await Fleet.create()
    onTestFailed(() => void process.stdout.write(`${fleet.lastWords()}\n`))
  })
  afterEach(() => fleet.end())

  it('an old copy put back after more writes were acknowledged and spread: nothing is lost, nothing issued twice', {
    timeout: limitMs(300_000),
  }, async () => {
    const random = new Random(seedOf(5))
    const tried = amount(1, 1, 10)
    const nodes = (await fleet.mesh(['one', 'two'], interval)) as [Daemon, Daemon]
    const [one, two] = nodes
    const writers = new Writers('rolled-back', random)
    const recoveryMs: number[] = []
    const old = join(fleet.folder, 'old')
    for (let round = 0; round < tried; round++) {
      await one.stop()
      rmSync(old, { recursive: true, force: true })
      cpSync(one.data, old, { recursive: true })
      await one.start()
      const many = 1 + random.below(300)
      expect(await writers.run(one, 4, (acknowledged) => acknowledged >= many)).toEqual([])
      await connectedTo(one, 1)
      await allEqual(nodes)
      await one.kill()
      rmSync(one.data, { recursive: true })
      cpSync(old, one.data, { recursive: true })
      // Cut off, so that it writes before it can learn what it has forgotten.
      await one.start(['--listen', '/ip4/127.0.0.1/tcp/0'])
      await one.client.block([two.name])
      await one.client.put(`fresh/${round}`, `written at round ${round}`)
      expect((await one.client.getAll(`fresh/${round}`)).versions).toHaveLength(1)
      await one.client.unblock()
      recoveryMs.push(
        await timed(async () => {
          await connectedTo(one, 1)
          await allEqual(nodes)
        }),
      )
      for (const node of nodes) {
        await writers.expectKept(node)
        for (let past = 0; past <= round; past++) {
          expect((await node.client.get(`fresh/${past}`)).value.toString()).toBe(`written at round ${past}`)
        }
      }
    }
    note({ fault: 'data directory rolled back', tried, checked: writers.acknowledged + tried, lost: 0, recoveryMs })
  })

  /** A mesh of two, and a copy of the first node's directory that is not started yet; the original is stopped. */
  async function makeTwins(
    name: string,
    extra: readonly string[] = [],
  ): Promise<[one: Daemon, two: Daemon, twin: Daemon]> {
    const one = fleet.prepare('one', interval)
    await one.start(extra)
    const two = await fleet.add('two', interval)
    await one.client.join((await two.client.invite()).token)
    for (const node of [one, two]) await connectedTo(node, 1)
    await one.client.put('before', 'before')
    await allEqual([one, two])
    await one.stop()
    const data = join(fleet.folder, 'twin')
    cpSync(one.data, data, { recursive: true })
    return [one, two, fleet.prepare(name, interval, {}, data)]
  }

  /** Both of a copied pair have peer ids of their own, one of them the old one. Returns which of the two gave way. */
  async function partWays(twins: readonly Daemon[], original: string): Promise<Daemon> {
    const all = await until(
      'each has a peer id of its own',
      () => Promise.all(twins.map((node) => node.client.status())),
      ([one, other]) => one!.peer !== other!.peer,
      120_000,
    )
    const peers = all.map(({ peer }) => peer)
    expect(peers).toContain(original)
    return twins[peers.findIndex((peer) => peer !== original)]!
  }

  async function expectOneMesh(nodes: readonly Daemon[]): Promise<void> {
    for (const node of nodes) await connectedTo(node, nodes.length - 1)
    await allEqual(nodes)
  }

  /** What the node that gave way says of it, and that it stays with its new peer id. */
  async function expectGivenWay(loser: Daemon, original: string): Promise<void> {
    const { peer, warnings } = await loser.client.status()
    expect(warnings.join()).toContain(`this node, which was ${original}, is ${peer} now`)
    expect(loser.stderr).toContain('restarting')
    await loser.stop()
    await loser.start()
    expect((await loser.client.status()).peer).toBe(peer)
    expect((await loser.client.status()).warnings.join()).not.toContain('which was')
  }

  it('a copy started beside the original: one of the two becomes a member of its own, and no write of either is lost', {
    timeout: limitMs(600_000),
  }, async () => {
    const random = new Random(seedOf(6))
    const tried = amount(1, 1, 5)
    const recoveryMs: number[] = []
    let checked = 0
    for (let round = 0; round < tried; round++) {
      const [one, two, twin] = await makeTwins('twin')
      const { peer } = one.ready
      const nodes = [one, two, twin]
      const written = nodes.map(({ name }) => new Writers(`at-${name}`, random))
      await Promise.all([one.start(), twin.start()])
      recoveryMs.push(
        await timed(async () => {
          // A write may fail while its node is restarting; then either outcome is right.
          const errors = await Promise.all(nodes.map((node, at) => written[at]!.run(node, 2, (count) => count >= 60)))
          for (const error of errors.flat())
            expect(['UNREACHABLE_DAEMON', 'STORE_FAILED']).toContain((error as { code: string }).code)
          const loser = await partWays([one, twin], peer)
          await expectOneMesh(nodes)
          await expectGivenWay(loser, peer)
        }),
      )
      await expectOneMesh(nodes)
      for (const node of nodes) {
        for (const writers of written) await writers.expectKept(node)
        expect((await node.client.get('before')).value.toString()).toBe('before')
      }
      checked += written.reduce((sum, writers) => sum + writers.acknowledged, 0)
      await fleet.end()
      fleet = await Fleet.create()
    }
    note({ fault: 'data directory cloned, both live', tried, checked, lost: 0, recoveryMs })
  })

  it.skipIf(isShort)(
    `a copy that says of itself exactly what the original says is noticed as well${inCi}`,
    {
      timeout: limitMs(300_000),
    },
    async () => {
      // An address that leads to neither of them.
      const same = ['--announce', '/ip4/127.0.0.1/tcp/9']
      const [one, two, twin] = await makeTwins('one', same)
      const { peer } = one.ready
      await Promise.all([one.start(same), twin.start(same)])
      // Nobody writes: the two are told apart by the runs that their neighbour hears of.
      const loser = await partWays([one, twin], peer)
      await expectGivenWay(loser, peer)
      const winner = loser === one ? twin : one
      await winner.stop()
      await winner.start()
      await expectOneMesh([one, two, twin])
      expect((await winner.client.status()).peer).toBe(peer)
    },
  )

  it.skipIf(isShort)(
    `a copy that knows of no third node becomes a member of its own when it joins the original${inCi}`,
    {
      timeout: limitMs(300_000),
    },
    async () => {
      const one = await fleet.add('one', interval)
      await one.client.put('before', 'before')
      const { peer } = one.ready
      // Its own invitation means nothing to a node, and it says so.
      const own = one.client.join((await one.client.invite()).token)
      await expect(own).rejects.toMatchObject({ code: 'OWN_INVITATION', status: 400 })
      expect((await one.client.status()).peer).toBe(peer)
      await one.stop()
      const data = join(fleet.folder, 'twin')
      cpSync(one.data, data, { recursive: true })
      const twin = fleet.prepare('twin', interval, {}, data)
      await Promise.all([one.start(), twin.start()])
      await one.client.put('at-one', 'one')
      await twin.client.put('at-twin', 'twin')
      // It joins once it has restarted, which the request does not wait for.
      const joining = twin.client.join((await one.client.invite()).token)
      await expect(joining).rejects.toMatchObject({ code: 'NOT_ADMITTED', details: { restarts: true } })
      expect(await partWays([one, twin], peer)).toBe(twin)
      await expectOneMesh([one, twin])
      for (const node of [one, twin]) {
        for (const [key, value] of [
          ['before', 'before'],
          ['at-one', 'one'],
          ['at-twin', 'twin'],
        ] as const) {
          expect((await node.client.get(key)).value.toString()).toBe(value)
        }
      }
      await expectGivenWay(twin, peer)
    },
  )
})
