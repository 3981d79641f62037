/** Effort of the tests: little in `npm test`, more in CI, most when asked for. Numbers alone depend on it, never what is tested. */

/** `short`: a few minutes in all. `full`: `HEARSAY_FULL=1`, as CI runs them. `long`: `HEARSAY_LONG=1`, hours in all. */
export type Effort = 'short' | 'full' | 'long'

/** The effort of this run. */
export const effort: Effort =
  process.env.HEARSAY_LONG === '1' ? 'long' : process.env.HEARSAY_FULL === '1' ? 'full' : 'short'

/** A number of rounds, runs or seeds by the effort of this run; the long form is the full one where nothing else is given. */
export function amount(short: number, full: number, long = full): number {
  return { short, full, long }[effort]
}
