/** PURE: the page of a soak and its pictures, from what was recorded. */
import type { Picture } from '../bench/report/pictures.js'
import { lineChart, type Series } from '../bench/report/svg.js'
import { middleOf } from '../bench/support/numbers.js'
import {
  judge,
  latencyBound,
  type NodeReading,
  type RiseBound,
  riseBounds,
  type SoakCheck,
  type SoakRecord,
  type SoakSample,
  secondHalf,
} from './judge.js'
import type { SoakOptions } from './soak.js'

/** Circumstances of a run. */
export interface SoakRun {
  readonly options: SoakOptions
  /** The day on which it ran, as YYYY-MM-DD. */
  readonly day: string
  readonly versions: Readonly<Record<string, string>>
  /** Processes that wanted a core, those of the soak among them: a number for each sample. */
  readonly loads: readonly number[]
  readonly writes: number
  readonly record: SoakRecord
}

/** Points of one line of a picture. */
const pointsMax = 240
const lineCharactersMax = 120

/** Every picture of a soak. */
export function soakPictures({ samples, heals }: SoakRecord): Picture[] {
  const spans = cutsOf(samples)
  const x = samples.at(-1)!.atSeconds > 600 ? 'minutes' : 'seconds'
  const unit = x === 'minutes' ? 60 : 1
  const draw = (file: string, title: string, y: string, series: readonly Series[]): Picture => {
    const scaled = series.map((one) => ({
      ...one,
      points: thinned(one.points).map(([at, value]) => [at / unit, value] as const),
    }))
    const shaded = spans.map(([from, to]) => [from / unit, to / unit] as const)
    return {
      file: `soak-${file}.svg`,
      title,
      svg: lineChart({ title, x, y, series: scaled, isLinear: true, isTime: true, spans: shaded }),
    }
  }
  const each = (read: (reading: NodeReading) => number) => eachNode(samples, read)
  const latency = [
    { name: 'p50 of a write', points: given(samples, ({ p50Ms }) => p50Ms) },
    { name: 'p99 of a write', points: given(samples, ({ p99Ms }) => p99Ms) },
    { name: 'until readable on the others', points: given(samples, ({ lagMs }) => lagMs), isReference: true },
  ]
  const healed = heals.map(({ atSeconds, healMs }) => [atSeconds, healMs] as const)
  return [
    draw(
      'memory',
      'Anonymous resident memory of each node',
      'MB',
      each(({ memoryBytes }) => memoryBytes / 1e6),
    ),
    draw(
      'heap',
      'JavaScript heap in use on each node',
      'MB',
      each(({ heapBytes }) => heapBytes / 1e6),
    ),
    draw(
      'disk',
      'Files of the store of each node',
      'MB',
      each(({ diskBytes }) => diskBytes / 1e6),
    ),
    draw(
      'descriptors',
      'Open descriptors of each node',
      'descriptors',
      each(({ descriptors }) => descriptors),
    ),
    draw('latency', 'Latency of writes, and lag to the other nodes', 'ms', latency),
    draw('heals', 'Time from a heal until all nodes are equal', 'ms', [{ name: 'heal', points: healed }]),
  ]
}

/** The page, in Markdown. */
export function soakPage(run: SoakRun, drawn: readonly Picture[]): string {
  const checks = judge(run.record)
  const missed = checks.filter(({ met }) => !met)
  const verdict =
    missed.length === 0
      ? 'Every check is met: nothing is lost, and nothing rose beyond its bound.'
      : `**${missed.length} of ${checks.length} checks are not met.**`
  const sections = [
    '# Soak',
    '<!-- Written by `npm run soak -- --write`: change test/soak, not this page. -->',
    introduction,
    circumstances(run),
    '## Verdict',
    measures,
    sensitivity(run.record.samples),
    verdict,
    tableOf(checks),
    '## Pictures',
    'A shaded span is a cut: one of the three nodes is alone, and is written to as before.',
    ...drawn.map(({ file, title }) => `![${title}](images/${file})`),
  ]
  return `${sections.join('\n\n')}\n`
}

const introduction = wrapped(`Three real daemons on one machine are written to at a steady rate, all of them at once,
over keys that are so few that nearly every put supersedes an older one. The switch of the lab cuts one node after
another off from the others; once the link is open again, writing rests until all three are equal, which is timed. Most
writes are puts of 100 bytes; others are deletes, increments of counters that all nodes share, and members of sets that
come and go. Every acknowledged write is in an account outside the daemons, with which each node is compared at the
end. \`npm run soak\` repeats it, for an hour at 500 writes a second when nothing else is said; with \`--absent\` one
more member is never there, for which the log is kept: the disk then grows as it must, and the verdict fails.`)

const measures = wrapped(`A rise is that of the floor in the second half of the time: the least value of each sixth of
it, and a line fitted through these (the median of the slopes between all pairs). What is collected now and then,
garbage and superseded rows, goes up and down above the floor; a leak lifts it. Allowed are a tenth of the level, or ${riseBounds.memory.least / 1e6} MB of memory,
${riseBounds.disk.least / 1e6} MB of disk and ${riseBounds.descriptors.least} descriptors, whichever is more. A latency
counts from the moment at which a write was due; the median of the last third may be ${latencyBound.factor} times that
of the first, and ${latencyBound.p50Ms} ms more (${latencyBound.p99Ms} ms for a p99, or a lag). By design the digests of the last 65,536 updates of each run
stay on the disk, 36 bytes each; the puts in batches that come before the load fill these places, as far as they go.`)

/** Bytes a write that a node would have to leave behind for the verdict to see it. */
function sensitivity(samples: readonly SoakSample[]): string {
  const half = secondHalf(samples)
  const writes = half.slice(1).reduce((sum, sample) => sum + sample.writes, 0)
  const seen = (of: 'memoryBytes' | 'diskBytes', { share, least }: RiseBound) => {
    const level = middleOf(half.flatMap(({ nodes }) => nodes.map((node) => node[of])))
    return number(Math.ceil(Math.max(least, level * share) / Math.max(1, writes)))
  }
  return wrapped(`With the ${number(writes)} writes of this run's second half that finds what leaves more than
    ${seen('memoryBytes', riseBounds.memory)} bytes of memory a write behind, or ${seen('diskBytes', riseBounds.disk)}
    of disk; a longer run finds smaller leaks.`)
}

function circumstances({ options, day, versions, loads, writes, record }: SoakRun): string {
  const { minutes, rate, cutEverySeconds, cutSeconds, keys, warmUp } = options
  const load = middleOf(loads)
  const named = Object.entries(versions).map(([name, text]) => (name === 'cores' ? `${text} cores` : `${name} ${text}`))
  return wrapped(`This run, of ${day}: ${number(minutes)} minutes at ${number(rate)} writes a second over
    ${number(keys)} keys, with a cut of ${number(cutSeconds)} s every ${number(cutEverySeconds)} s, after
    ${number(warmUp)} puts in batches; ${number(writes)} writes acknowledged in all, the last look after
    ${number(record.samples.at(-1)!.atSeconds)} s. ${named.join(', ')}. In the median ${number(load)} processes wanted a
    core of the machine, those of the soak among them.`)
}

/** Text in lines of at most 120 characters. */
function wrapped(text: string): string {
  const lines: string[] = []
  for (const word of text.split(/\s+/)) {
    const last = lines.at(-1)
    if (last === undefined || last.length + 1 + word.length > lineCharactersMax) lines.push(word)
    else lines[lines.length - 1] = `${last} ${word}`
  }
  return lines.join('\n')
}

function tableOf(checks: readonly SoakCheck[]): string {
  const rows = checks.map(({ name, value, limit, unit, met }) => {
    const isLeast = unit === 'samples' || unit === 'cuts'
    return [name, `${number(value)} ${unit}`, `${isLeast ? '≥' : '≤'} ${number(limit)}`, met ? 'met' : '**missed**']
  })
  return [['check', 'found', 'allowed', ''], ['---', '---', '---', '---'], ...rows]
    .map((cells) => `| ${cells.join(' | ')} |`)
    .join('\n')
}

function number(value: number): string {
  return value.toLocaleString('en', { maximumFractionDigits: Math.abs(value) >= 100 ? 0 : 2 })
}

function eachNode(samples: readonly SoakSample[], read: (reading: NodeReading) => number): Series[] {
  return samples[0]!.nodes.map(({ node }) => ({
    name: node,
    points: given(samples, ({ nodes }) => read(nodes.find((one) => one.node === node)!)),
  }))
}

function given(
  samples: readonly SoakSample[],
  read: (sample: SoakSample) => number | null,
): (readonly [number, number])[] {
  return samples.flatMap((sample) => {
    const value = read(sample)
    return value === null ? [] : [[sample.atSeconds, value] as const]
  })
}

/** Every n-th point, so that a picture of a long run is not large. */
function thinned<T>(points: readonly T[]): T[] {
  const step = Math.ceil(points.length / pointsMax)
  return points.filter((_, at) => at % step === 0 || at === points.length - 1)
}

/** Spans between the samples that saw a cut. */
function cutsOf(samples: readonly SoakSample[]): (readonly [number, number])[] {
  const spans: [number, number][] = []
  for (const [at, { isCut, atSeconds }] of samples.entries()) {
    if (!isCut) continue
    if (samples[at - 1]?.isCut) spans.at(-1)![1] = atSeconds
    else spans.push([atSeconds, atSeconds])
  }
  return spans
}
