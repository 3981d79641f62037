/**
 * kill -9 at random moments under load: every acknowledged write is there after the restart, here and on the other
 * node.
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { allEqual, connectedTo, type Daemon, Fleet } from '../e2e/daemons.js'
import { amount } from '../support/effort.js'
import { Random } from '../support/random.js'
import { limitMs, note, seedOf, timed, Writers } from './faults.js'

const writersAtOnce = 8

describe('kill -9 at random moments', () => {
  let fleet: Fleet
  beforeEach(async () => {
    fleet = await Fleet.create()
  })
  afterEach(() => fleet.end())

  /** Lets writers write until the node is killed, after a random number of acknowledgements or a random time. */
  async function writeUntilKilled(daemon: Daemon, writers: Writers, random: Random): Promise<void> {
    const afterCount = random.below(2) === 0 ? 1 + random.below(300) : Number.POSITIVE_INFINITY
    let killed: Promise<void> | undefined
    const timer = setTimeout(() => {
      killed ??= daemon.kill()
    }, random.below(500))
    const errors = await writers.run(daemon, writersAtOnce, (acknowledged) => {
      if (acknowledged >= afterCount) killed ??= daemon.kill()
      return false
    })
    clearTimeout(timer)
    await killed
    expect(killed).toBeDefined()
    expect(errors).toHaveLength(writersAtOnce)
  }

  it('of one node with eight writers', { timeout: limitMs(400_000) }, async () => {
    const seed = seedOf(1)
    const random = new Random(seed)
    const tried = amount(2, 4, 100)
    const daemon = await fleet.add('one')
    const writers = new Writers('kill', random)
    const recoveryMs: number[] = []
    for (let round = 0; round < tried; round++) {
      await writeUntilKilled(daemon, writers, random)
      recoveryMs.push(await timed(() => daemon.start()))
      await writers.expectKept(daemon)
    }
    const { warnings } = await daemon.client.status()
    expect(warnings, `seed ${seed}`).toEqual([])
    note({ fault: 'kill -9, one node', tried, checked: writers.acknowledged, lost: 0, recoveryMs })
  })

  it('of one of two nodes, both written to', { timeout: limitMs(400_000) }, async () => {
    const random = new Random(seedOf(2))
    const tried = amount(1, 2, 20)
    const nodes = (await fleet.mesh(['one', 'two'], ['--sync-interval', '2s'])) as [Daemon, Daemon]
    const written = [new Writers('at-one', random), new Writers('at-two', random)] as const
    const recoveryMs: number[] = []
    for (let round = 0; round < tried; round++) {
      const at = random.below(2)
      const victim = nodes[at]!
      let isDead = false
      const other = written[1 - at]!.run(nodes[1 - at]!, 3, () => isDead)
      await writeUntilKilled(victim, written[at]!, random)
      isDead = true
      expect(await other).toEqual([])
      recoveryMs.push(
        await timed(async () => {
          await victim.start()
          await connectedTo(victim, 1)
          await allEqual(nodes)
        }),
      )
      // What was under way may have been stored: the node that wrote it decides, and the other must agree.
      for (const side of [0, 1] as const) {
        await written[side].expectKept(nodes[side])
        await written[side].expectKept(nodes[1 - side]!)
      }
    }
    for (const node of nodes) expect((await node.client.status()).warnings).toEqual([])
    const checked = written[0].acknowledged + written[1].acknowledged
    note({ fault: 'kill -9, one of two nodes', tried, checked, lost: 0, recoveryMs })
  })
})
