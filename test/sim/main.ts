/** Runs seeds: one with a readable trace, or many; also as a worker thread of the launcher. */
import { parentPort, workerData } from 'node:worker_threads'
import { type PlanOptions, planOf } from './plan.js'
import type { Plan } from './script.js'
import { SimulationViolation } from './violation.js'
import { type Figures, Simulation } from './world.js'

/** What came of one seed. */
export interface SeedResult {
  readonly seed: number
  readonly hash: string
  readonly figures: Figures
  /** The kind of violation and its message; null when all was well. */
  readonly violation: { readonly kind: string; readonly message: string } | null
}

/** Plays one plan. Never throws what a simulation throws. */
export async function runPlan(plan: Plan, show?: (line: string) => void): Promise<SeedResult> {
  const simulation = new Simulation(plan, show)
  let violation: SeedResult['violation'] = null
  try {
    await simulation.play()
  } catch (error) {
    violation =
      error instanceof SimulationViolation
        ? { kind: error.kind, message: error.message }
        : { kind: 'crash', message: error instanceof Error ? (error.stack ?? error.message) : String(error) }
  }
  return { seed: plan.seed, hash: simulation.trace.hash, figures: simulation.figures, violation }
}

/** Plays one seed. */
export function runSeed(seed: number, options: PlanOptions = {}): Promise<SeedResult> {
  return runPlan(planOf(seed, options))
}

interface Work {
  readonly seeds: readonly number[]
  readonly options: PlanOptions
  /** Stop at the first violation. */
  readonly stopsAtFirst: boolean
}

if (parentPort !== null && (workerData as { isSimulation?: boolean } | null)?.isSimulation === true) {
  const port = parentPort
  process.on('unhandledRejection', (error) => {
    port.postMessage({ type: 'unhandled', message: error instanceof Error ? error.stack : String(error) })
  })
  port.on('message', async ({ seeds, options, stopsAtFirst }: Work) => {
    for (const seed of seeds) {
      const result = await runSeed(seed, options)
      port.postMessage({ type: 'result', result })
      if (stopsAtFirst && result.violation !== null) break
    }
    port.postMessage({ type: 'done' })
  })
}

export { minimise } from './minimise.js'
export { formatPlan } from './script.js'
export { planOf }
