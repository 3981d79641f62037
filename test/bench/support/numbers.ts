/** Medians, percentiles, and measurements that take turns. */
import type { Sample } from './figure.js'

/** The middle of some numbers. Throws when there are none. */
export function middleOf(values: readonly number[]): number {
  return percentile(values, 0.5)
}

/** The value that a share of the values does not exceed. Throws when there are none. */
export function percentile(values: readonly number[], share: number): number {
  if (values.length === 0) throw new Error('nothing was measured')
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!
}

/** Milliseconds that a piece of work takes. */
export async function timedMs(work: () => Promise<unknown>): Promise<number> {
  const startMs = performance.now()
  await work()
  return performance.now() - startMs
}

/**
 * Runs of project and yardstick in turns; each begins every other time, so that neither always has the quieter half.
 */
export async function interleaved(
  runs: number,
  project: (run: number) => Promise<number>,
  yardstick: (run: number) => Promise<number>,
): Promise<Sample[]> {
  const samples: Sample[] = []
  for (let run = 0; run < runs; run++) {
    if (run % 2 === 0) {
      const value = await project(run)
      samples.push({ value, yardstick: await yardstick(run) })
    } else {
      const against = await yardstick(run)
      samples.push({ value: await project(run), yardstick: against })
    }
  }
  return samples
}
