/**
 * An empty node that joins, and a member that missed everything, until they have all; against a raw store filled with
 * the same.
 */
import { join } from 'node:path'
import { addedTo, type Daemon, Looker, putAll, untilEqual, withFleet } from './support/daemons.js'
import { type Figure, type RunOptions, ratioAtLeast, ratioAtMost, type Sample } from './support/figure.js'
import { pairBytes, pairsOf, RawStore } from './support/pairs.js'

const counters = ['sync_bytes_sent', 'sync_bytes_received']
const speed = { must: ratioAtLeast(0.12), aim: ratioAtLeast(0.25) }
const size = { must: ratioAtMost(1.3), aim: ratioAtMost(1.15) }

/** 20,000 entries of 100 B, 100,000 with `full`. */
export async function* run({ full, runs }: RunOptions): AsyncGenerator<Figure> {
  const n = full ? 100_000 : 20_000
  const pairs = pairsOf('fill', n)
  yield* withFleet(async function* (fleet) {
    const raw = async (name: string) => {
      const store = await RawStore.open(join(fleet.folder, name))
      const perSecond = await store.fill(pairs, 500)
      await store.close()
      return perSecond
    }
    const first = await fleet.add('first')
    await putAll(first, pairs)
    const { token } = await first.client.invite()
    const joined = await several(runs, async (at) => {
      const fresh = await fleet.add(`fresh-${at}`)
      const took = await caughtUp(fresh, first, n, () => fresh.client.join(token))
      await fresh.kill()
      return { ...took, raw: await raw(`raw-${at}`) }
    })
    yield* figuresOf('an empty node joins', n, pairBytes(pairs), joined)
    const missed = await several(runs, async (at) => {
      const [one, other] = await fleet.mesh([`one-${at}`, `other-${at}`])
      await other!.client.block([`one-${at}`])
      await putAll(one!, pairs)
      const took = await caughtUp(other!, one!, n, () => other!.client.unblock())
      await Promise.all([one!.kill(), other!.kill()])
      return { ...took, raw: await raw(`raw-delta-${at}`) }
    })
    yield* figuresOf('delta sync of everything', n, pairBytes(pairs), missed)
  })
}

interface Took {
  readonly perSecond: number
  readonly bytes: number
  readonly raw: number
}

async function several(runs: number, once: (at: number) => Promise<Took>): Promise<Took[]> {
  const all: Took[] = []
  for (let at = 0; at < runs; at++) all.push(await once(at))
  return all
}

/**
 * Entries a second from the request to join or to meet again, dialling included, until both are equal; and bytes of the
 * sessions.
 */
async function caughtUp(
  behind: Daemon,
  ahead: Daemon,
  n: number,
  begin: () => Promise<unknown>,
): Promise<Omit<Took, 'raw'>> {
  const lookers = await Promise.all([behind, ahead].map(Looker.at))
  let perSecond = 0
  const added = await addedTo([behind], counters, async () => {
    const startMs = performance.now()
    await begin()
    await untilEqual(lookers)
    perSecond = n / ((performance.now() - startMs) / 1000)
  })
  for (const looker of lookers) looker.close()
  return { perSecond, bytes: added.reduce((sum, bytes) => sum + bytes, 0) }
}

function* figuresOf(name: string, n: number, payload: number, all: readonly Took[]): Generator<Figure> {
  const rates = all.map(({ perSecond, raw }): Sample => ({ value: perSecond, yardstick: raw }))
  yield { name, n, unit: 'entries/s', yardstick: 'classic-level, batches of 500, synced', samples: rates, ...speed }
  const bytes = all.map(({ bytes }): Sample => ({ value: bytes, yardstick: payload }))
  yield { name: `${name}, bytes`, n, unit: 'bytes', yardstick: 'keys and values', samples: bytes, ...size }
}
