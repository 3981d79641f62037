/** How long after a put on one node its value is readable on another, at 200 puts a second, against raw gossipsub. */
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { type Daemon, socketOf, withFleet } from './support/daemons.js'
import { type Figure, type RunOptions, ratioAtMost, type Sample } from './support/figure.js'
import { putRequest, RawClient } from './support/load.js'
import { middleOf, percentile, timedMs } from './support/numbers.js'
import { pairsOf, RawStore } from './support/pairs.js'
import { endMesh, rawMesh } from './support/raw-mesh.js'

const perSecond = 200
const clients = 8
const putsOnDisk = 50

/** Two seconds a run, ten with `full`. */
export async function* run({ full, runs }: RunOptions): AsyncGenerator<Figure> {
  const d = perSecond * (full ? 10 : 2)
  const raw = await rawMesh(2)
  try {
    yield* withFleet(async function* (fleet) {
      const [one, other] = await fleet.mesh(['one', 'other'])
      await latencies(one!, other!, 'warm', perSecond)
      const shares = { p50: 0.5, p90: 0.9, p99: 0.99 }
      const samples: Record<string, Sample[]> = { p50: [], p90: [], p99: [] }
      const disk = await RawStore.open(join(fleet.folder, 'raw'))
      const synced: Sample[] = []
      for (let at = 0; at < runs; at++) {
        const own = await latencies(one!, other!, `${at}`, d)
        await raw[1]!.ask('takeLatencies')
        await raw[0]!.ask('publish', d, perSecond)
        await raw[1]!.ask('whenReceived', d)
        const against = await raw[1]!.ask<number[]>('takeLatencies')
        for (const [name, share] of Object.entries(shares))
          samples[name]!.push({ value: percentile(own, share), yardstick: percentile(against, share) })
        synced.push({ value: await syncedPutMs(disk, `${at}`) })
      }
      await disk.close()
      // A put is durable on the first node, and on the second, before it is readable there; raw gossip waits for no
      // disk.
      yield { name: 'a raw synced put in the same runs, p50', unit: 'ms', samples: synced }
      for (const name of Object.keys(shares)) {
        const bars = name === 'p50' ? { must: ratioAtMost(2), aim: ratioAtMost(1.7) } : {}
        const what = `put on one node until readable on another, 200 puts/s, ${name}`
        yield {
          name: what,
          d,
          nodes: 2,
          unit: 'ms',
          yardstick: `raw gossipsub, ${name}`,
          samples: samples[name]!,
          ...bars,
        }
      }
    })
  } finally {
    await endMesh(raw)
  }
}

async function syncedPutMs(disk: RawStore, name: string): Promise<number> {
  const tookMs: number[] = []
  for (const pair of pairsOf(name, putsOnDisk)) tookMs.push(await timedMs(() => disk.batch([pair])))
  return middleOf(tookMs)
}

/** Milliseconds from sending each put to one node until the change feed of the other shows it. */
async function latencies(one: Daemon, other: Daemon, name: string, count: number): Promise<number[]> {
  const sentMs = new Map<string, number>()
  const seen: number[] = []
  const watching = new AbortController()
  const watched = (async () => {
    for await (const { key } of other.client.watch({ prefix: `${name}/`, signal: watching.signal })) {
      const startMs = sentMs.get(key)
      if (startMs !== undefined) seen.push(performance.now() - startMs)
      if (seen.length === count) return
    }
  })()
  const writers = await Promise.all(Array.from({ length: clients }, () => RawClient.open(socketOf(one))))
  // The feed shows what comes after it was opened.
  await pause(200)
  const startMs = performance.now()
  const pending: Promise<unknown>[] = []
  for (const [at, { key, value }] of pairsOf(name, count).entries()) {
    const dueMs = startMs + (at * 1000) / perSecond
    while (performance.now() < dueMs) await pause(dueMs - performance.now())
    if (pending.length >= clients) await pending[pending.length - clients]
    sentMs.set(key, performance.now())
    pending.push(writers[at % clients]!.send(putRequest(key, value)))
  }
  await Promise.all(pending)
  await watched
  watching.abort()
  for (const writer of writers) writer.close()
  return seen
}
