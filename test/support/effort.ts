/**
 * Effort of the tests: little in `npm test`, more in CI, most when asked for. Numbers depend on it, and a few tests
 * that say so in their names.
 */

/** `short`: a few minutes in all. `full`: `HEARSAY_FULL=1`, as CI runs them. `long`: `HEARSAY_LONG=1`, hours in all. */
export type Effort = 'short' | 'full' | 'long'

/** The effort of this run. */
export const effort: Effort =
  process.env.HEARSAY_LONG === '1' ? 'long' : process.env.HEARSAY_FULL === '1' ? 'full' : 'short'

/** True in the short form, which leaves out tests that take long and show what others show as well. */
export const isShort = effort === 'short'
/** Reason in the name of a test that is left out of the short form; empty in the others. */
export const inCi = isShort ? ' (skipped: takes long; HEARSAY_FULL=1 plays it, as CI does)' : ''

/**
 * A number of rounds, runs or seeds by the effort of this run; the long form is the full one where nothing else is
 * given.
 */
export function amount(short: number, full: number, long = full): number {
  return { short, full, long }[effort]
}
