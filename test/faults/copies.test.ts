/** Copied data directories: a second live node from a copy, and an old copy put back. No dot is issued twice, nothing is lost. */
import { cpSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { allEqual, connectedTo, type Daemon, Fleet, until } from '../e2e/daemons.js'
import { isLong, note, Random, rounds, seedOf, timed, Writers } from './faults.js'

const interval = ['--sync-interval', '1s']

describe('copied data directories', () => {
  let fleet: Fleet
  beforeEach(async () => {
    fleet = await Fleet.create()
  })
  afterEach(() => fleet.end())

  it('an old copy put back after more writes were acknowledged and spread: nothing is lost, nothing issued twice', {
    timeout: 300_000,
  }, async () => {
    const random = new Random(seedOf(5))
    const tried = rounds(1, 10)
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

  // The twins take turns of several seconds at their peer, which is too long for the short form: there it is not a test at all.
  if (isLong) {
    it('a copy started beside the original: both are written to, and no write of either is lost', {
      timeout: 300_000,
    }, async () => {
      const random = new Random(seedOf(6))
      const [one, two] = (await fleet.mesh(['one', 'two'], interval)) as [Daemon, Daemon]
      await one.client.put('before', 'before')
      await allEqual([one, two])
      await one.stop()
      const data = join(fleet.folder, 'twin')
      cpSync(one.data, data, { recursive: true })
      const twin = fleet.prepare('twin', interval, {}, data)
      await Promise.all([one.start(), twin.start()])
      const nodes = [one, two, twin]
      const written = nodes.map(({ name }) => new Writers(`at-${name}`, random))
      const recoveryMs = [
        await timed(async () => {
          for (let round = 0; round < 3; round++) {
            const errors = await Promise.all(
              nodes.map((node, at) => written[at]!.run(node, 2, (acknowledged) => acknowledged >= 60)),
            )
            expect(errors.flat()).toEqual([])
          }
          await until(
            'all three have one root',
            () => Promise.all(nodes.map((node) => node.client.status())),
            (all) => new Set(all.map((status) => status.root)).size === 1,
            90_000,
          )
        }),
      ]
      // Only its operator can end this for good: the two take turns at their peers until one of them gets an identity of its own.
      const warnings = await Promise.all([one, twin].map(async (node) => (await node.client.status()).warnings))
      expect(warnings.flat().join()).toContain('another node uses the peer id of this one')
      for (const node of nodes) for (const writers of written) await writers.expectKept(node)
      const checked = written.reduce((sum, writers) => sum + writers.acknowledged, 0)
      note({ fault: 'data directory cloned, both live', tried: 1, checked, lost: 0, recoveryMs })
    })
  }
})
