/**
 * The heap of the daemon's process: it grows little between collections, and less still while nothing happens, so that
 * what a bulk load left behind is given back. V8's own measure is the free memory of the machine, not the need of one
 * process: after an import two thirds of the heap were garbage.
 */
import { setFlagsFromString } from 'node:v8'
import type { Environment } from '../store/environment.js'

/** Growth of the old generation from one full collection to the next, in percent of what was alive. */
const heapGrowthPercent = 30
/** Interval between looks at the processor time, in milliseconds. */
const lookMs = 2_000
/** Share of a core below which a process is quiet; and looks in a row after which it counts as idle. */
const quietShare = 0.1
const quietLooks = 2

/** Readings of the process, and the setting of flags of V8. */
export interface HeapSurroundings extends Pick<Environment, 'monotonicMs' | 'setTimer'> {
  /** Processor time that the process has used, in milliseconds. */
  processorMs(): number
  setFlag(flag: string): void
}

/** The real process. */
export function realHeap(environment: Pick<Environment, 'monotonicMs' | 'setTimer'>): HeapSurroundings {
  const { monotonicMs, setTimer } = environment
  const processorMs = () => {
    const { user, system } = process.cpuUsage()
    return (user + system) / 1_000
  }
  return { monotonicMs, setTimer, processorMs, setFlag: setFlagsFromString }
}

/**
 * Bounds the heap of this process from now on, for as long as it lives. While it is idle V8 favours memory over speed:
 * it collects earlier, and gives pages back.
 */
export function boundHeap(surroundings: HeapSurroundings): void {
  const { monotonicMs, setTimer, processorMs, setFlag } = surroundings
  setFlag(`--heap-growing-percent=${heapGrowthPercent}`)
  let isIdle = false
  let looksQuiet = 0
  const look = (sinceMs: number, usedMs: number) => {
    const [nowMs, nowUsedMs] = [monotonicMs(), processorMs()]
    const isQuiet = nowUsedMs - usedMs < quietShare * (nowMs - sinceMs)
    looksQuiet = isQuiet ? looksQuiet + 1 : 0
    if (looksQuiet >= quietLooks !== isIdle) {
      isIdle = !isIdle
      setFlag(isIdle ? '--optimize-for-size' : '--no-optimize-for-size')
    }
    setTimer(lookMs, () => look(nowMs, nowUsedMs))
  }
  const [sinceMs, usedMs] = [monotonicMs(), processorMs()]
  setTimer(lookMs, () => look(sinceMs, usedMs))
}
