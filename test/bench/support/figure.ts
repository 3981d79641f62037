/** Figures: what a benchmark measured, the yardstick of the same run beside it, and whether a bar is reached. */
import { readFileSync } from 'node:fs'
import { availableParallelism, loadavg } from 'node:os'
import { middleOf } from './numbers.js'

/** How a benchmark is run. */
export interface RunOptions {
  /** At the sizes of the bars, or at sizes that end within a minute. */
  readonly full: boolean
  /** Interleaved runs of project and yardstick. */
  readonly runs: number
}

/** A benchmark. */
export type Program = (options: RunOptions) => AsyncGenerator<Figure>

/** A limit for the ratio to the yardstick, or for the value itself. */
export interface Bound {
  readonly of: 'ratio' | 'value'
  readonly sign: '<=' | '>='
  readonly limit: number
}

/** One run: the project's value, and that of the yardstick where there is one. */
export interface Sample {
  readonly value: number
  readonly yardstick?: number
}

/** One figure, before it is printed. */
export interface Figure {
  readonly name: string
  /** Entries of the data set. */
  readonly n?: number
  /** Entries that differ, or that are written. */
  readonly d?: number
  readonly nodes?: number
  readonly unit: string
  /** What it is measured against. */
  readonly yardstick?: string
  readonly samples: readonly Sample[]
  readonly must?: Bound
  readonly aim?: Bound
  /** Why there are no samples. */
  readonly reason?: string
}

/** At least so much of the yardstick. */
export const ratioAtLeast = (limit: number): Bound => ({ of: 'ratio', sign: '>=', limit })
/** At most so much of the yardstick. */
export const ratioAtMost = (limit: number): Bound => ({ of: 'ratio', sign: '<=', limit })
/** At most so many of the figure's units. */
export const valueAtMost = (limit: number): Bound => ({ of: 'value', sign: '<=', limit })

/** The line of a figure. `met` is absent without a `must`. */
export interface FigureLine {
  readonly bench?: string
  readonly name: string
  readonly n?: number
  readonly d?: number
  readonly nodes?: number
  readonly value: number | null
  readonly unit: string
  readonly yardstick?: { readonly name: string; readonly value: number }
  readonly ratio?: number
  readonly must?: string
  readonly aim?: string
  readonly met?: boolean
  readonly hasAim?: boolean
  readonly runs: number
  readonly versions: Readonly<Record<string, string>>
  /** Processes that wanted a core in the last minute, those of the benchmark among them. */
  readonly load?: number
  readonly reason?: string
}

/** The median of all runs, and the median of their ratios: each ratio is that of one run. */
export function lineOf({ samples, yardstick, must, aim, ...figure }: Figure): FigureLine {
  const bars = { ...(must && { must: textOf(must) }), ...(aim && { aim: textOf(aim) }) }
  if (samples.length === 0) return { ...figure, value: null, ...bars, runs: 0, versions: measuredVersions() }
  const value = middleOf(samples.map((sample) => sample.value))
  const compared = samples.filter((sample) => sample.yardstick !== undefined)
  const ratio = compared.length === 0 ? undefined : middleOf(compared.map((sample) => sample.value / sample.yardstick!))
  const against = yardstick === undefined ? undefined : middleOf(compared.map((sample) => sample.yardstick!))
  return {
    ...figure,
    value: rounded(value),
    ...(against !== undefined && { yardstick: { name: yardstick!, value: rounded(against) } }),
    ...(ratio !== undefined && { ratio: rounded(ratio) }),
    ...bars,
    ...(must && { met: reaches(must, value, ratio) }),
    ...(aim && { hasAim: reaches(aim, value, ratio) }),
    runs: samples.length,
    versions: measuredVersions(),
    load: rounded(loadavg()[0]!),
  }
}

function reaches({ of, sign, limit }: Bound, value: number, ratio: number | undefined): boolean {
  const measured = of === 'value' ? value : (ratio ?? Number.NaN)
  return sign === '<=' ? measured <= limit : measured >= limit
}

function textOf({ of, sign, limit }: Bound): string {
  return `${of} ${sign} ${limit}`
}

function rounded(value: number): number {
  return Number(value.toPrecision(4))
}

/** Versions of what figures depend on, and the cores of the machine. */
export function measuredVersions(): Record<string, string> {
  const of = (name: string) => {
    const file = new URL(`../../../node_modules/${name}/package.json`, import.meta.url)
    return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version
  }
  const own = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as { version: string }
  return {
    hearsay: own.version,
    node: process.versions.node,
    'classic-level': of('classic-level'),
    libp2p: of('libp2p'),
    gossipsub: of('@chainsafe/libp2p-gossipsub'),
    fastify: of('fastify'),
    cores: `${availableParallelism()}`,
  }
}
