/** PURE: the JSON lines that a soak prints, and the run that they tell of. */
import type { Differences } from './account.js'
import type { SoakCheck, SoakHeal, SoakSample } from './judge.js'
import type { SoakRun } from './page.js'
import type { SoakOptions } from './soak.js'

/** One line. */
export type SoakLine =
  | (SoakOptions & {
      readonly kind: 'options'
      readonly absent: boolean
      readonly day: string
      readonly versions: Readonly<Record<string, string>>
    })
  /** `load`: processes that wanted a core in the last minute. */
  | (SoakSample & { readonly kind: 'sample'; readonly load: number })
  | (SoakHeal & { readonly kind: 'heal' })
  /** `writes`: acknowledged ones, those of all nodes. */
  | (Differences & { readonly kind: 'account'; readonly node: string; readonly writes: number })
  | (SoakCheck & { readonly kind: 'check' })
  | { readonly kind: 'verdict'; readonly flat: boolean; readonly missed: readonly string[] }
  | { readonly kind: 'failed'; readonly message: string }

/** Puts a run together from all of its lines. Throws when it did not come to its end. */
export function soakRunOf(lines: readonly SoakLine[]): SoakRun {
  const of = <K extends SoakLine['kind']>(kind: K) =>
    lines.filter((line): line is Extract<SoakLine, { kind: K }> => line.kind === kind)
  const [options] = of('options')
  const [samples, accounts] = [of('sample'), of('account')]
  if (options === undefined || samples.length === 0 || accounts.length === 0) throw new Error('the soak did not end')
  return {
    options,
    day: options.day,
    versions: options.versions,
    loads: samples.map(({ load }) => load),
    writes: accounts[0]!.writes,
    record: { samples, heals: of('heal'), differences: new Map(accounts.map((account) => [account.node, account])) },
  }
}
