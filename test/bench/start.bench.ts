/** Starts of a daemon, after an orderly end and after kill -9: until clients are served, and until all is verified. */
import { setTimeout as pause } from 'node:timers/promises'
import { Child } from './support/children.js'
import { type Daemon, putAll, socketOf, storePath, untilSeen, withFleet } from './support/daemons.js'
import { type Figure, type RunOptions, ratioAtMost, type Sample, valueAtMost } from './support/figure.js'
import { getRequest, RawClient } from './support/load.js'
import { pairsOf } from './support/pairs.js'

const slice = 50_000
const pollMs = 5

/** 50,000 entries, 1,000,000 with `full`. */
export async function* run({ full, runs }: RunOptions): AsyncGenerator<Figure> {
  const n = full ? 1_000_000 : 50_000
  const scanner = new Child('scan-hash')
  try {
    yield* withFleet(async function* (fleet) {
      const daemon = await fleet.add('bench')
      for (let from = 0; from < n; from += slice) await putAll(daemon, pairsOf('fill', slice, from))
      for (const end of ['stop', 'kill'] as const) {
        const serving: Sample[] = []
        const verified: Sample[] = []
        for (let run = 0; run < runs; run++) {
          const socket = socketOf(daemon)
          await daemon[end]()
          const started = await startOnce(daemon, socket)
          await daemon[end]()
          const { ms } = await scanner.ask<{ ms: number }>('scan', storePath(daemon))
          await daemon.start()
          serving.push({ value: started.servingMs })
          verified.push({ value: started.verifiedMs, yardstick: ms })
        }
        const after = end === 'stop' ? 'after an orderly end' : 'after kill -9'
        const bar = { must: valueAtMost(1_500), aim: valueAtMost(900) }
        yield { name: `start ${after}, until clients are served`, n, unit: 'ms', samples: serving, ...bar }
        // Of few entries the start of the process itself is the greater part.
        const ratio = full ? { must: ratioAtMost(2), aim: ratioAtMost(1.3) } : {}
        const yardstick = 'a scan of the same rows with SHA-256'
        yield {
          name: `start ${after}, until verified and syncing`,
          n,
          unit: 'ms',
          yardstick,
          samples: verified,
          ...ratio,
        }
      }
    })
  } finally {
    await scanner.stop()
  }
}

/** Milliseconds from the start of the process. */
async function startOnce(daemon: Daemon, socket: string): Promise<{ servingMs: number; verifiedMs: number }> {
  const startMs = performance.now()
  const ready = daemon.start()
  let client: RawClient | undefined
  while (client === undefined) client = await RawClient.open(socket).catch(() => pause(pollMs, undefined))
  await client.send(getRequest('/v1/kv/fill%2F00000000'))
  const servingMs = performance.now() - startMs
  await untilSeen(
    async () => JSON.parse((await client.send(getRequest('/readyz'))).body.toString()) as { syncing?: boolean },
    ({ syncing }) => syncing === true,
  )
  const verifiedMs = performance.now() - startMs
  client.close()
  await ready
  return { servingMs, verifiedMs }
}
