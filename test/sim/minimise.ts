/**
 * Makes a failing plan short: leaves out what is not needed for the same violation. Source: delta debugging (Zeller
 * 1999).
 */
import type { SeedResult } from './main.js'
import type { Plan, ScriptAction } from './script.js'

/** Plays a plan. */
export type Play = (plan: Plan) => Promise<SeedResult>

/** The shortest plan found that ends in the same kind of violation. */
export async function minimise(plan: Plan, kind: string, play: Play): Promise<Plan> {
  const fails = async (candidate: Plan) => (await play(candidate)).violation?.kind === kind
  let best = plan
  for (let chunk = Math.ceil(plan.actions.length / 2); chunk >= 1; chunk = chunk === 1 ? 0 : Math.ceil(chunk / 2)) {
    for (let at = 0; at < best.actions.length; ) {
      const candidate = { ...best, actions: without(best.actions, at, chunk) }
      if (await fails(candidate)) best = candidate
      else at += chunk
    }
  }
  return best
}

function without(actions: readonly ScriptAction[], at: number, count: number): ScriptAction[] {
  return [...actions.slice(0, at), ...actions.slice(at + count)]
}
