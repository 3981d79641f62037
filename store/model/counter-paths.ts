/**
 * Paths of a counter's chain. A chain is one path of increments, unless two copies of one running process went on with
 * it (a clone, a rollback with its memory): then it is a tree. Each total carries the trail of its last increments,
 * each named by a link that follows from all before it, so that any two tips show where they parted, and what both have
 * in common is counted once.
 */
import { ByteReader, ByteWriter, DecodeError } from './bytes.js'
import type { HybridTime } from './clock.js'
import { writeTime } from './codec.js'
import { sha256 } from './digest.js'
import type { Actor, Dot } from './dot.js'
import { counterTrailMax } from './limits.js'

/** A chain of increments of one run at one address: the run's actor, and the counter of the dot that began it. */
export interface Chain {
  readonly actor: Actor
  readonly chain: number
}

/** Progress of a chain: the number of its increments, their sum, and the trail that leads there. */
export interface Reach extends Chain {
  readonly sequence: number
  readonly total: number
  /**
   * The last increments, oldest first: link, sign and size of each. Absent in what was stored before there were trails.
   */
  readonly trail?: Uint8Array
}

/** A place on a path: how many increments lead there, and their sum. */
export interface Place {
  readonly sequence: number
  readonly total: number
}

/** The bytes of a link: what tells two increments at one place of a chain apart. */
export const linkBytes = 6
const linkDomain = 0x05
const root: Place = { sequence: 0, total: 0 }

interface Step {
  readonly link: string
  readonly by: number
}

/** A chain as text; also its key in maps. */
export function chainText({ actor, chain }: Chain): string {
  return `${actor}:${chain}`
}

/** Orders reaches by chain, then by how far they have come. */
export function compareReaches(a: Reach, b: Reach): number {
  if (a.actor !== b.actor) return a.actor < b.actor ? -1 : 1
  if (a.chain !== b.chain) return a.chain - b.chain
  if (a.sequence !== b.sequence) return a.sequence - b.sequence
  return a.total - b.total || Buffer.compare(a.trail ?? nothing, b.trail ?? nothing)
}

const nothing = new Uint8Array(0)

/** The reach of a chain after an increment of `by` under a dot, at a time; without `last`, that of a new chain. */
export function extended(last: Reach | undefined, dot: Dot, time: HybridTime, by: number): Reach {
  const before = last === undefined ? [] : stepsOf(last)
  const writer = new ByteWriter(64).u8(linkDomain).hex(before.at(-1)?.link ?? '')
  writeTime(writer.hex(dot.actor).varint(dot.counter), time)
  const link = sha256(writeSigned(writer, by).finish()).toString('hex', 0, linkBytes)
  const trail = trailOf([...before, { link, by }].slice(-counterTrailMax))
  if (last === undefined) return { actor: dot.actor, chain: dot.counter, sequence: 1, total: by, trail }
  return { ...last, sequence: last.sequence + 1, total: last.total + by, trail }
}

/** A reach with no more than the last so many steps of its trail. */
export function withTrail(reach: Reach, steps: number): Reach {
  const all = stepsOf(reach)
  if (all.length <= steps) return reach
  const { trail: _, ...bare } = reach
  return steps === 0 ? bare : { ...bare, trail: trailOf(all.slice(-steps)) }
}

/** Adds a tip to those of its chain; what only leads to another one goes. */
export function addTip(tips: readonly Reach[], tip: Reach): readonly Reach[] {
  const kept: Reach[] = []
  for (const other of tips) {
    const { sequence } = meeting(tip, other)
    if (sequence >= tip.sequence && !(other.sequence === tip.sequence && tip.total > other.total)) return tips
    if (sequence < other.sequence) kept.push(other)
  }
  return [...kept, tip]
}

/** The last place of a path that lies on one of the others; the root where none is met. */
export function deepest(path: Reach, others: readonly Reach[]): Place {
  let place = root
  for (const other of others) {
    const met = meeting(path, other)
    if (met.sequence > place.sequence) place = met
  }
  return place
}

/**
 * The last place that two paths of one chain have in common, with the sum of the first one there. Where their trails do
 * not reach so far, the shorter path is taken to lead to the longer one; where they differ as far as both go back, to
 * have parted just before.
 */
function meeting(path: Reach, other: Reach): Place {
  const shorter = path.sequence <= other.sequence ? path : other
  const [mine, theirs] = [stepsOf(path), stepsOf(other)]
  const [first, theirFirst] = [path.sequence - mine.length + 1, other.sequence - theirs.length + 1]
  const bottom = Math.max(first, theirFirst)
  if (bottom > shorter.sequence) return shorter
  for (let sequence = shorter.sequence; sequence >= bottom; sequence--) {
    if (mine[sequence - first]!.link === theirs[sequence - theirFirst]!.link) return placeAt(path, mine, sequence)
  }
  return placeAt(path, mine, bottom - 1)
}

/** A place of a path that its trail reaches, or the one just before that. */
function placeAt(path: Reach, steps: readonly Step[], sequence: number): Place {
  let { total } = path
  for (let at = path.sequence; at > sequence; at--) total -= steps[at - path.sequence + steps.length - 1]!.by
  return { sequence, total }
}

/** The steps of a trail; one that cannot be read, or is longer than its path, is none. */
function stepsOf({ trail, sequence }: Reach): Step[] {
  if (trail === undefined) return []
  try {
    const steps: Step[] = []
    const reader = new ByteReader(trail)
    while (reader.left > 0) steps.push({ link: reader.hex(linkBytes), by: readSigned(reader) })
    return steps.length > sequence ? [] : steps
  } catch (error) {
    if (error instanceof DecodeError) return []
    throw error
  }
}

function trailOf(steps: readonly Step[]): Uint8Array {
  const writer = new ByteWriter(steps.length * (linkBytes + 3))
  for (const { link, by } of steps) writeSigned(writer.hex(link), by)
  return writer.finish()
}

/** Writes a whole number: its sign, then its size. */
export function writeSigned(writer: ByteWriter, value: number): ByteWriter {
  return writer.u8(value < 0 ? 1 : 0).varint(Math.abs(value))
}

/** Reads a whole number. Throws a DecodeError for one that is not in its canonical form. */
export function readSigned(reader: ByteReader): number {
  const sign = reader.u8()
  const size = reader.varint()
  if (sign > 1 || (sign === 1 && size === 0)) throw new DecodeError('number not in its canonical form')
  return sign === 1 ? -size : size
}
