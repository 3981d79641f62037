/**
 * kill -9 in the middle of writes and of a sync session: each acknowledged write is there afterwards, on every node.
 */
import { afterEach, beforeEach, describe, expect, it, test } from 'vitest'
import { amount, inCi, isShort } from '../support/effort.js'
import { allEqual, connectedTo, type Daemon, Fleet } from './daemons.js'

/** Keys of each side in a session. */
const count = amount(500, 3_000)

describe('kill -9', () => {
  let fleet: Fleet
  beforeEach(async () => {
    fleet = await Fleet.create()
  })
  afterEach(() => fleet.end())

  /** Writes from several clients at once until the daemon dies; returns the keys whose write was acknowledged. */
  async function writeUntilKilled(daemon: Daemon, prefix: string, killAfter: number): Promise<string[]> {
    const acknowledged: string[] = []
    let killed: Promise<void> | undefined
    const writer = async (lane: number) => {
      for (let at = 0; ; at++) {
        const key = `${prefix}/${lane}/${at}`
        try {
          await daemon.client.put(key, key)
        } catch {
          return
        }
        acknowledged.push(key)
        if (acknowledged.length >= killAfter) killed ??= daemon.kill()
      }
    }
    await Promise.all(Array.from({ length: 8 }, (_, lane) => writer(lane)))
    await killed
    return acknowledged
  }

  /** Every key is there with its value, which is its name. */
  async function expectAll(daemon: Daemon, keys: readonly string[]): Promise<void> {
    const found = new Map<string, string | undefined>()
    for await (const item of daemon.client.list({ values: true, limit: 5000 })) found.set(item.key, item.value)
    expect(keys.filter((key) => found.get(key) !== key)).toEqual([])
  }

  it('in the middle of writes, again and again', async () => {
    const [one, two] = (await fleet.mesh(['one', 'two'])) as [Daemon, Daemon]
    const acknowledged: string[] = []
    for (let round = 0; round < amount(1, 3); round++) {
      acknowledged.push(...(await writeUntilKilled(one, `round-${round}`, 60 + round * 41)))
      await one.start()
      await expectAll(one, acknowledged)
    }
    await connectedTo(two, 1)
    await allEqual([one, two])
    await expectAll(two, acknowledged)
    expect((await one.client.status()).warnings).toEqual([])
  })

  /** The short form kills on one side alone. */
  const isLeftOut = (tag: string) => isShort && tag === 'two'
  describe.each(['one', 'two'])('in the middle of a sync session', (tag) => {
    test.skipIf(isLeftOut(tag))(`at node ${tag}${isLeftOut(tag) ? inCi : ''}`, () => killInSession(tag))
  })

  async function killInSession(tag: string): Promise<void> {
    const [one, two] = (await fleet.mesh(['one', 'two'])) as [Daemon, Daemon]
    const victim = tag === 'one' ? one : two
    await two.client.block(['one'])
    await connectedTo(one, 0)
    const lines = (side: string) =>
      Buffer.from(
        Array.from(
          { length: count },
          (_, at) => `${JSON.stringify({ key: `${tag}/${side}/${at}`, value: `${tag}/${side}/${at}` })}\n`,
        ).join(''),
      )
    expect((await one.cli(['import', '-'], lines('one'))).exit).toBe(0)
    expect((await two.cli(['import', '-'], lines('two'))).exit).toBe(0)
    const observer = victim === one ? two : one
    const before = (await observer.client.status()).entries
    await two.client.unblock()
    // The session is under way once the first entries of the other side have arrived.
    for (;;) {
      const { entries } = await observer.client.status()
      if (entries > before) break
    }
    await victim.kill()
    await victim.start()
    await connectedTo(two, 1)
    await allEqual([one, two])
    for (const daemon of [one, two]) {
      await expectAll(
        daemon,
        Array.from({ length: count }, (_, at) => `${tag}/one/${at}`),
      )
      await expectAll(
        daemon,
        Array.from({ length: count }, (_, at) => `${tag}/two/${at}`),
      )
    }
  }
})
