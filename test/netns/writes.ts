/**
 * An outside list of every acknowledged write and of what its writer had in view: it alone says which versions must be
 * live.
 */
import { expect } from 'vitest'
import type { Daemon } from '../e2e/daemons.js'
import type { Random } from '../support/random.js'

/** What one node showed of a key at one moment. */
interface View {
  readonly context: string | undefined
  readonly values: readonly string[]
}

/** One write as it was acknowledged: what happened to a key is told when a node does not show it as it must. */
interface Entry {
  readonly atMs: number
  readonly node: string
  /** What the writer had in view. */
  readonly over: readonly string[]
  /** Undefined: a delete. */
  readonly value: string | undefined
  readonly dot: string | undefined
}

/** Every value is written once only, so that it names its write. */
export class Writes {
  /** For each key every value that was acknowledged, and whether it is still to be seen. */
  readonly #known = new Map<string, Map<string, boolean>>()
  /** The history of each key. */
  readonly #history = new Map<string, Entry[]>()
  readonly #random: Random
  #count = 0

  constructor(random: Random) {
    this.#random = random
  }

  /** Acknowledged writes so far. */
  get count(): number {
    return this.#count
  }

  /** Keys with a value, in random order. */
  liveKeys(): string[] {
    const keys = [...this.#known.keys()].filter((key) => this.expected(key).length > 0)
    const drawn = keys.map((key) => ({ key, at: this.#random.next() }))
    return drawn.toSorted((a, b) => a.at - b.at).map(({ key }) => key)
  }

  /** Keys with more than one value. */
  get conflicts(): number {
    return [...this.#known.keys()].filter((key) => this.expected(key).length > 1).length
  }

  /** The values of a key that every node must show in the end. */
  expected(key: string): string[] {
    const known = this.#known.get(key) ?? new Map<string, boolean>()
    return [...known].filter(([, isLive]) => isLive).map(([value]) => value)
  }

  /** Adds a value that was stored in another way, under a key that was free. */
  imported(key: string, value: string): void {
    this.#acknowledged('import', key, [], value)
  }

  /** Puts a new value, with so many bytes of ballast, in place of everything that the node shows. */
  async put(daemon: Daemon, key: string, ballastBytes?: number): Promise<void> {
    for (;;) {
      try {
        return await this.#put(daemon, key, await view(daemon, key), ballastBytes)
      } catch (error) {
        // It was absent, and another node's value has come since: that one is in view now.
        if (codeOf(error) !== 'EXISTS') throw error
      }
    }
  }

  /**
   * Puts one value on each of two nodes, neither of which has the other's in view. Returns false when one of them does
   * not have the key.
   */
  async putOnBoth(one: Daemon, other: Daemon, key: string): Promise<boolean> {
    const views = [await view(one, key), await view(other, key)] as const
    if (views.some(({ context }) => context === undefined)) return false
    await Promise.all([this.#put(one, key, views[0]), this.#put(other, key, views[1])])
    return true
  }

  /**
   * Deletes everything that the node shows of a key. Returns false when it shows nothing: what the others have has not
   * come there yet.
   */
  async delete(daemon: Daemon, key: string): Promise<boolean> {
    const { context, values } = await view(daemon, key)
    if (context === undefined) return false
    await daemon.client.delete(key, { context })
    this.#acknowledged(daemon.name, key, values, undefined)
    return true
  }

  /** Asserts that a node shows exactly what it must: nothing lost, nothing resurrected, nothing that nobody wrote. */
  async expectKept(daemon: Daemon): Promise<void> {
    const shown = new Map<string, string[]>()
    for await (const { key, siblings, value } of daemon.client.list({ values: true, limit: 2_000 })) {
      shown.set(key, siblings === 1 ? [value!] : [...(await view(daemon, key)).values])
    }
    const lost: string[] = []
    const resurrected: string[] = []
    const unknown: string[] = []
    for (const key of new Set([...this.#known.keys(), ...shown.keys()])) {
      const found = shown.get(key) ?? []
      const expected = this.expected(key)
      lost.push(...expected.filter((value) => !found.includes(value)).map((value) => brief(key, value)))
      for (const value of found.filter((one) => !expected.includes(one))) {
        const isOld = this.#known.get(key)?.has(value) === true
        if (isOld) resurrected.push(brief(key, value))
        else unknown.push(brief(key, value))
      }
    }
    const wrong = [...this.#known.keys()].filter((key) =>
      [...lost, ...resurrected, ...unknown].some((one) => one.startsWith(`${key}: `)),
    )
    for (const key of wrong)
      console.log(`${daemon.name} shows ${key} as`, shown.get(key), 'after', this.#history.get(key))
    expect({ node: daemon.name, lost, resurrected, unknown }).toEqual({
      node: daemon.name,
      lost: [],
      resurrected: [],
      unknown: [],
    })
  }

  async #put(
    daemon: Daemon,
    key: string,
    { context, values }: View,
    ballastBytes = this.#random.below(400),
  ): Promise<void> {
    const value = `${key} at ${daemon.name}, write ${this.#random.below(2 ** 31)} ${'x'.repeat(ballastBytes)}`
    const { dot } = await daemon.client.put(key, value, context === undefined ? { ifAbsent: true } : { context })
    this.#acknowledged(daemon.name, key, values, value, dot)
  }

  #acknowledged(
    node: string,
    key: string,
    superseded: readonly string[],
    value: string | undefined,
    dot?: string,
  ): void {
    const entry = { atMs: Date.now(), node, over: superseded.map((one) => brief(key, one)), value, dot }
    this.#history.set(key, [...(this.#history.get(key) ?? []), entry])
    const known = this.#known.get(key) ?? new Map<string, boolean>()
    this.#known.set(key, known)
    for (const one of superseded) known.set(one, false)
    // Somebody may have seen and replaced it before its own writer heard that it is stored.
    if (value !== undefined && !known.has(value)) known.set(value, true)
    this.#count++
  }
}

async function view(daemon: Daemon, key: string): Promise<View> {
  try {
    const { context, versions } = await daemon.client.getAll(key)
    return { context, values: versions.map(({ value }) => value) }
  } catch (error) {
    if (codeOf(error) !== 'NOT_FOUND') throw error
    return { context: undefined, values: [] }
  }
}

function codeOf(error: unknown): string | undefined {
  return (error as { code?: string }).code
}

function brief(key: string, value: string): string {
  return `${key}: ${value.slice(0, 80)}`
}
