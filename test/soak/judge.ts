/**
 * PURE: the verdict on a soak: nothing lost, and memory, disk, descriptors and latencies flat. A rise is that of the
 * floor in the second half, when caches and pools are full: what is only collected now and then, garbage and superseded
 * rows, goes up and down above it, and a leak lifts it.
 */
import { middleOf } from '../bench/support/numbers.js'
import type { Differences } from './account.js'

/** State of one node at one moment. */
export interface NodeReading {
  readonly node: string
  /** Anonymous resident memory, in bytes. */
  readonly memoryBytes: number
  readonly heapBytes: number
  /** Bytes of all files of the store. */
  readonly diskBytes: number
  readonly descriptors: number
}

/** One look at everything; the latencies are those of the writes since the look before. */
export interface SoakSample {
  /** Seconds since the load began. */
  readonly atSeconds: number
  readonly isCut: boolean
  readonly writes: number
  readonly p50Ms: number | null
  readonly p99Ms: number | null
  /** Milliseconds from a put on one node until it was readable on every node that could be reached; null: not asked. */
  readonly lagMs: number | null
  readonly nodes: readonly NodeReading[]
}

/** One cut and its heal. */
export interface SoakHeal {
  readonly atSeconds: number
  /** The node that was alone. */
  readonly node: string
  /** Milliseconds from the heal until every node was equal, and knew it of all others. */
  readonly healMs: number
  readonly bytes: number
  readonly entries: number
}

/** Everything that a soak has seen. */
export interface SoakRecord {
  readonly samples: readonly SoakSample[]
  readonly heals: readonly SoakHeal[]
  /** Differences of each node from the account of acknowledged writes, at the end. */
  readonly differences: ReadonlyMap<string, Differences>
}

/** One question, what was found, and what is allowed. */
export interface SoakCheck {
  readonly name: string
  readonly value: number
  readonly limit: number
  readonly unit: string
  readonly met: boolean
}

/** A value at a time. */
type Point = readonly [x: number, y: number]

/** Rise that is allowed in the second half: a share of the level, but at least so many. */
export interface RiseBound {
  readonly share: number
  readonly least: number
  readonly unit: string
  /** Divisor from what is read to the unit. */
  readonly scale: number
}

/** The memory of a process grows for some minutes after its start, and what it once had goes back late. */
export const riseBounds = {
  memory: { share: 0.1, least: 24e6, unit: 'MB', scale: 1e6 },
  disk: { share: 0.1, least: 4e6, unit: 'MB', scale: 1e6 },
  descriptors: { share: 0.1, least: 3, unit: 'descriptors', scale: 1 },
} as const satisfies Record<string, RiseBound>

/** How much worse the last third may be than the first: a factor, and milliseconds by which it may be noise. */
export const latencyBound = { factor: 1.5, p50Ms: 1, p99Ms: 5, lagMs: 5 } as const
/**
 * Seconds from which on latencies are judged: over two minutes they say more of what else the machine has to do than of
 * the nodes.
 */
export const latencySecondsMin = 600
/** Samples without which nothing can be said. */
export const samplesMin = 24
/** Parts of the second half, of which each gives its least value to the floor. */
export const floorParts = 6

/** Checks everything. A soak that was too short, or in which no node was ever cut off, has not shown anything. */
export function judge(record: SoakRecord): SoakCheck[] {
  const { samples, heals, differences } = record
  if (samples.length < samplesMin) return [atLeast('samples', samples.length, samplesMin, 'samples')]
  return [
    atLeast('cuts that healed', heals.length, 1, 'cuts'),
    ...[...differences].map(([node, found]) =>
      atMost(`${node}: acknowledged writes that are lost or wrong`, wrong(found), 0, 'writes'),
    ),
    ...rises(samples),
    ...(samples.at(-1)!.atSeconds - samples[0]!.atSeconds < latencySecondsMin ? [] : latencies(samples)),
  ]
}

/** True if every check is met. */
export function isFlat(checks: readonly SoakCheck[]): boolean {
  return checks.every(({ met }) => met)
}

function wrong({ lost, revived, conflicts, counters, members }: Differences): number {
  return lost + revived + conflicts + counters + members
}

function rises(samples: readonly SoakSample[]): SoakCheck[] {
  const half = secondHalf(samples)
  const names = half[0]!.nodes.map(({ node }) => node)
  return names.flatMap((node) => {
    const of = (read: (reading: NodeReading) => number) =>
      half.map(({ atSeconds, nodes }) => [atSeconds, read(nodes.find((one) => one.node === node)!)] as const)
    return [
      rise(
        `${node}: rise of memory`,
        of(({ memoryBytes }) => memoryBytes),
        riseBounds.memory,
      ),
      rise(
        `${node}: rise of the disk`,
        of(({ diskBytes }) => diskBytes),
        riseBounds.disk,
      ),
      rise(
        `${node}: rise of descriptors`,
        of(({ descriptors }) => descriptors),
        riseBounds.descriptors,
      ),
    ]
  })
}

function rise(name: string, points: readonly Point[], bound: RiseBound): SoakCheck {
  const seconds = points.at(-1)![0] - points[0]![0]
  const level = middleOf(points.map(([, value]) => value))
  const limit = Math.max(bound.least, level * bound.share)
  return atMost(name, (slopeOf(floorOf(points)) * seconds) / bound.scale, limit / bound.scale, bound.unit)
}

/** The least point of each of some equal parts. */
export function floorOf(points: readonly Point[]): Point[] {
  const size = points.length / floorParts
  return Array.from({ length: floorParts }, (_, part) =>
    points
      .slice(Math.floor(part * size), Math.floor((part + 1) * size))
      .reduce((least, point) => (point[1] < least[1] ? point : least)),
  )
}

function latencies(samples: readonly SoakSample[]): SoakCheck[] {
  const third = Math.floor(samples.length / 3)
  const [first, last] = [samples.slice(0, third), samples.slice(-third)]
  const kinds = [
    ['p50 of a write', 'p50Ms'],
    ['p99 of a write', 'p99Ms'],
    ['lag to the other nodes', 'lagMs'],
  ] as const
  return kinds.map(([name, of]) => {
    const [before, after] = [first, last].map((some) =>
      middleOf(some.map((sample) => sample[of]).filter((value) => value !== null)),
    )
    const limit = before! * latencyBound.factor + latencyBound[of]
    return atMost(`${name}, median of the last third`, after!, limit, 'ms')
  })
}

/** Samples of the second half of the time. */
export function secondHalf<T extends { readonly atSeconds: number }>(samples: readonly T[]): T[] {
  const middle = (samples[0]!.atSeconds + samples.at(-1)!.atSeconds) / 2
  return samples.filter(({ atSeconds }) => atSeconds >= middle)
}

/**
 * Slope of a line through points, as the median of the slopes between all pairs, so that single peaks do not move it
 * (Theil 1950, Sen 1968).
 */
export function slopeOf(points: readonly Point[]): number {
  const slopes: number[] = []
  for (const [at, [x, y]] of points.entries()) {
    for (const [otherX, otherY] of points.slice(at + 1)) if (otherX > x) slopes.push((otherY - y) / (otherX - x))
  }
  return slopes.length === 0 ? 0 : middleOf(slopes)
}

function atMost(name: string, value: number, limit: number, unit: string): SoakCheck {
  return { name, value: rounded(value), limit: rounded(limit), unit, met: value <= limit }
}

function atLeast(name: string, value: number, limit: number, unit: string): SoakCheck {
  return { name, value, limit, unit, met: value >= limit }
}

function rounded(value: number): number {
  return Number(value.toPrecision(3))
}
