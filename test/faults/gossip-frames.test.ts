/** What one gossip frame of a member can cost a daemon: never more than a short turn of its event loop. */
import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, expect, it, onTestFailed } from 'vitest'
import { gossipTopic } from '../../daemon/net/gossip-options.js'
import { type Daemon, Fleet, until } from '../e2e/daemons.js'
import { amount } from '../support/effort.js'
import { costly, message } from '../support/gossip-frames.js'
import { limitMs, metrics } from './faults.js'
import { HostilePeer, type RawStream } from './hostile.js'

/** Processor time of one turn of the event loop, in milliseconds. */
const turnMsMax = 25
const monitor = fileURLToPath(new URL('../support/loop-monitor.mjs', import.meta.url))

let fleet: Fleet
let hostile: HostilePeer | undefined

afterEach(async () => {
  await hostile?.stop()
  await fleet.end()
})

/** The longest turns of a daemon since it was asked last, in milliseconds. */
class Turns {
  constructor(private readonly file: string) {}

  take(): number {
    const lines = existsSync(this.file) ? readFileSync(this.file, 'utf8').split('\n') : []
    rmSync(this.file, { force: true })
    return Math.max(0, ...lines.map(Number))
  }
}

async function received(victim: Daemon): Promise<number> {
  return (await metrics(victim)).get('hearsay_net_gossip_received_total') ?? 0
}

it('a hostile gossip frame never holds the event loop for long', { timeout: limitMs(180_000) }, async () => {
  fleet = await Fleet.create()
  onTestFailed(() => void process.stdout.write(`${fleet.lastWords()}\n`))
  const turns = new Turns(join(fleet.folder, 'turns'))
  const env = { NODE_OPTIONS: `--import=${monitor}`, LOOP_MONITOR: join(fleet.folder, 'turns') }
  const victim = await fleet.add('victim', [], { env })
  /** Frames are read in order: a message of the topic is received once all before it are done with. */
  const settled = async (gossip: RawStream) => {
    const before = await received(victim)
    gossip.frame(message(gossipTopic, randomBytes(16)))
    await until(
      'the message received',
      () => received(victim),
      (now) => now > before,
    )
  }
  /**
   * The longest turn for one frame, in milliseconds. A peer for each: the victim listens to none that it has seen
   * misbehave some times.
   */
  const costOf = async (frame: Buffer): Promise<number> => {
    hostile = await HostilePeer.connect(victim)
    await hostile.beat()
    const gossip = await hostile.openGossip()
    await settled(gossip)
    turns.take()
    gossip.frame(frame)
    await settled(gossip)
    const ms = turns.take()
    expect(gossip.isOpen).toBe(true)
    await hostile.stop()
    return ms
  }
  const costs = new Map<string, number>()
  for (const [name, make] of Object.entries(costly())) {
    const frame = make()
    const each: number[] = []
    for (let round = 0; round < amount(3, 3, 20); round++) each.push(await costOf(frame))
    costs.set(name, each.toSorted((a, b) => a - b)[each.length >> 1]!)
  }
  process.stdout.write(`turns ${JSON.stringify(Object.fromEntries(costs))}\n`)
  expect([...costs].filter(([, ms]) => ms > turnMsMax)).toEqual([])
})
