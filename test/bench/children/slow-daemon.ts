/**
 * A daemon on a disk whose fsync takes longer: the real daemon, each of whose synced writes ends so many milliseconds
 * later.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { runDaemon } from '../../../daemon/main.js'
import { LevelStore } from '../../../store/level.js'

const [data, delayMs] = process.argv.slice(2) as [string, string]

const { write } = LevelStore.prototype
let tail: Promise<unknown> = Promise.resolve()
LevelStore.prototype.write = function (changes, options) {
  if (!options.sync) return write.call(this, changes, options)
  const done = tail.then(async () => {
    await write.call(this, changes, options)
    await pause(Number(delayMs))
  })
  tail = done.catch(() => undefined)
  return done
}
await runDaemon({ data, listen: ['/ip4/127.0.0.1/tcp/0'], mdns: false, 'log-format': 'json' })
