/**
 * What the fault tests share: seeds, writers that know what was acknowledged, and the line each fault leaves for the
 * reliability table.
 */
import { readFileSync } from 'node:fs'
import { expect } from 'vitest'
import type { Daemon } from '../e2e/daemons.js'
import { effort } from '../support/effort.js'
import type { Random } from '../support/random.js'

/** True if the long forms run. */
export const isLong = effort === 'long'
/** True if this process may mount, change users and make namespaces. */
export const isRoot = process.getuid?.() === 0

/** How long a test may take, in milliseconds: the long form more, for its rounds. */
export const limitMs = (shortMs: number): number => (isLong ? 6 * shortMs : shortMs)

/** The seed of a test: `HEARSAY_SEED`, else the one given. */
export function seedOf(fallback: number): number {
  return Number(process.env.HEARSAY_SEED ?? fallback)
}

/** What one fault cost, for the table in docs/RELIABILITY.md: printed as one JSON line. */
export interface FaultNote {
  readonly fault: string
  /** How often it was injected. */
  readonly tried: number
  /** Acknowledged writes that were checked afterwards. */
  readonly checked: number
  /** How many of them were lost. */
  readonly lost: number
  /** How long recovery took, in milliseconds: the median and the longest. */
  readonly recoveryMs?: readonly number[]
}

/** Prints what one fault cost. */
export function note({ recoveryMs, ...rest }: FaultNote): void {
  const sorted = recoveryMs?.toSorted((a, b) => a - b) ?? []
  const times =
    sorted.length === 0 ? {} : { medianMs: Math.round(sorted[sorted.length >> 1]!), maxMs: Math.round(sorted.at(-1)!) }
  process.stdout.write(`fault ${JSON.stringify({ ...rest, ...times })}\n`)
}

/** Runs something and returns how long it took, in milliseconds. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const startMs = performance.now()
  await work()
  return performance.now() - startMs
}

/** What a key may hold: the last acknowledged value, or what was under way when the node died. Null: nothing. */
interface Known {
  acknowledged: string | null
  pending: string | null | undefined
}

/** Writers with keys of their own and an oracle that knows what each of them was promised. */
export class Writers {
  readonly #known = new Map<string, Known>()
  readonly #random: Random
  readonly #prefix: string
  #count = 0

  constructor(prefix: string, random: Random) {
    this.#prefix = prefix
    this.#random = random
  }

  /** Acknowledged writes so far. */
  get acknowledged(): number {
    return this.#count
  }

  /** How many keys are known. */
  get keys(): number {
    return this.#known.size
  }

  /**
   * Writes, overwrites and deletes from several lanes at once, until `isOver` or a request fails. Each lane has its
   * keys to itself. Returns the errors that ended lanes.
   */
  async run(daemon: Daemon, lanes: number, isOver: (acknowledged: number) => boolean): Promise<unknown[]> {
    const errors: unknown[] = []
    let acknowledged = 0
    const lane = async (number: number) => {
      while (!isOver(acknowledged)) {
        const key = `${this.#prefix}/${number}/${this.#random.below(40 + (this.#count >> 4))}`
        const known = this.#known.get(key) ?? { acknowledged: null, pending: undefined }
        const isDelete = known.acknowledged !== null && this.#random.below(8) === 0
        const value = isDelete ? null : this.#value(key)
        known.pending = value
        this.#known.set(key, known)
        try {
          if (value === null) await daemon.client.delete(key)
          else await daemon.client.put(key, value)
        } catch (error) {
          errors.push(error)
          return
        }
        known.acknowledged = value
        known.pending = undefined
        acknowledged++
        this.#count++
      }
    }
    await Promise.all(Array.from({ length: lanes }, (_, number) => lane(number)))
    return errors
  }

  /**
   * Asserts that a node shows every acknowledged write, and nothing but acknowledged writes and those that were under
   * way. From then on what was found is what is known, so that an outcome once seen may not change again.
   */
  async expectKept(daemon: Daemon): Promise<void> {
    const found = new Map<string, string | undefined>()
    const siblings: string[] = []
    for await (const item of daemon.client.list({ prefix: `${this.#prefix}/`, values: true, limit: 2000 })) {
      found.set(item.key, item.value)
      if (item.siblings !== 1) siblings.push(item.key)
    }
    const wrong: string[] = []
    for (const [key, known] of this.#known) {
      const value = found.get(key) ?? null
      found.delete(key)
      const isKept = value === known.acknowledged || (known.pending !== undefined && value === known.pending)
      if (!isKept) wrong.push(`${key}: ${brief(value)}, not ${brief(known.acknowledged)} or ${brief(known.pending)}`)
      else {
        known.acknowledged = value
        known.pending = undefined
      }
    }
    expect({ wrong, unknown: [...found.keys()], siblings }).toEqual({ wrong: [], unknown: [], siblings: [] })
  }

  #value(key: string): string {
    const size = this.#random.below(50) === 0 ? 100_000 : this.#random.below(600)
    return `${key}#${this.#random.below(2 ** 31)}#${'x'.repeat(size)}`
  }
}

function brief(value: string | null | undefined): string {
  return value === undefined
    ? 'nothing under way'
    : value === null
      ? 'absent'
      : `${value.slice(0, 60)}… (${value.length})`
}

/** Bytes of memory that a process holds for itself (RssAnon). */
export function anonymousBytes(pid: number): number {
  const line = /^RssAnon:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))
  return Number(line?.[1]) * 1024
}

/** The numbers of a node's metrics by name, labels left out. */
export async function metrics(daemon: Daemon): Promise<Map<string, number>> {
  const lines = (await daemon.client.metrics()).split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return new Map(
    lines.map((line) => [line.slice(0, line.search(/[ {]/)), Number(line.slice(line.lastIndexOf(' ') + 1))]),
  )
}
