/**
 * Loaded into a daemon before it starts: how late its event loop was, written to a file at SIGUSR2 and counted afresh
 * from then on.
 */
import { writeFileSync } from 'node:fs'
import { monitorEventLoopDelay } from 'node:perf_hooks'

/** How often the loop is looked at, in milliseconds: what is measured includes it. */
const resolutionMs = 1
const delays = monitorEventLoopDelay({ resolution: resolutionMs })
delays.enable()
process.on('SIGUSR2', () => {
  writeFileSync(process.env.BENCH_PROBE!, JSON.stringify({ p999Ms: delays.percentile(99.9) / 1e6, at: Date.now() }))
  delays.reset()
})
