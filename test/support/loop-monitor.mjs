/**
 * Preloaded into a daemon by tests (`NODE_OPTIONS=--import`): appends a line to the file `LOOP_MONITOR` for each turn
 * of the event loop that took its thread more than a few milliseconds of processor time. Waiting for a processor does
 * not count.
 */
import { appendFileSync, readFileSync } from 'node:fs'

const file = process.env.LOOP_MONITOR
const tickMs = 1
const notedMs = 4

/** Processor time of the main thread in milliseconds (Linux). */
const usedMs = () => Number(readFileSync('/proc/self/schedstat', 'latin1').split(' ')[0]) / 1e6

if (file !== undefined) {
  let beforeMs = usedMs()
  setInterval(() => {
    const nowMs = usedMs()
    if (nowMs - beforeMs >= notedMs) appendFileSync(file, `${(nowMs - beforeMs).toFixed(1)}\n`)
    beforeMs = usedMs()
  }, tickMs).unref()
}
