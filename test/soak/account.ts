/** PURE: the account of every acknowledged write, and its comparison with what a node shows. */

/** First part of all keys. */
export const soakPrefix = 'soak/'

/** Contents of one node, as its API shows them. */
export interface ShownContents {
  /** Value and number of siblings of each key. */
  readonly registers: ReadonlyMap<string, { readonly value: string; readonly siblings: number }>
  readonly counters: ReadonlyMap<string, number>
  /** Members of each set. */
  readonly sets: ReadonlyMap<string, ReadonlySet<string>>
}

/** Differences between the account and one node, by kind. */
export interface Differences {
  /** Keys whose acknowledged value is not shown: another one is, or none. */
  lost: number
  /** Keys that are shown though their delete was acknowledged. */
  revived: number
  /** Keys with siblings: each key has one writer, so that there may be none. */
  conflicts: number
  /** Counters with another sum than that of the acknowledged increments. */
  counters: number
  /** Members of sets that are missing, or there though they were removed. */
  members: number
  /** The first few, in words. */
  readonly examples: string[]
}

const examplesMax = 10

/** Acknowledged writes. Each key and each member of a set has one writer, who waits for one answer after another. */
export class Account {
  readonly #registers = new Map<string, string | null>()
  readonly #counters = new Map<string, number>()
  readonly #members = new Map<string, Map<string, boolean>>()
  /** Acknowledged writes. */
  writes = 0

  /** Notes a put, or a delete (null). */
  put(key: string, value: string | null): void {
    this.writes++
    this.#registers.set(key, value)
  }

  /** Notes an increment. */
  add(key: string, by: number): void {
    this.writes++
    this.#counters.set(key, this.sum(key) + by)
  }

  /** Notes that a member was added to a set, or removed. */
  setMember(key: string, member: string, isThere: boolean): void {
    this.writes++
    const members = this.#members.get(key) ?? new Map<string, boolean>()
    this.#members.set(key, members.set(member, isThere))
  }

  /** True if a key has a value. */
  has(key: string): boolean {
    return (this.#registers.get(key) ?? null) !== null
  }

  /** True if a set has a member. */
  hasMember(key: string, member: string): boolean {
    return this.#members.get(key)?.get(member) ?? false
  }

  /** Sum of the acknowledged increments of a counter. */
  sum(key: string): number {
    return this.#counters.get(key) ?? 0
  }

  /** Names of the counters and the sets that were written to. */
  get collections(): { readonly counters: readonly string[]; readonly sets: readonly string[] } {
    return { counters: [...this.#counters.keys()], sets: [...this.#members.keys()] }
  }

  /** Compares a node with the account. */
  compare(shown: ShownContents): Differences {
    const found: Differences = { lost: 0, revived: 0, conflicts: 0, counters: 0, members: 0, examples: [] }
    const note = (kind: Exclude<keyof Differences, 'examples'>, text: string) => {
      found[kind]++
      if (found.examples.length < examplesMax) found.examples.push(text)
    }
    for (const [key, value] of this.#registers) {
      const there = shown.registers.get(key)
      if (value === null && there !== undefined) note('revived', `${key} is back`)
      if (value !== null && there?.value !== value) note('lost', `${key} shows ${there?.value ?? 'nothing'}`)
    }
    for (const [key, { siblings }] of shown.registers) if (siblings > 1) note('conflicts', `${key} has ${siblings}`)
    for (const [key, sum] of this.#counters) {
      const there = shown.counters.get(key) ?? 0
      if (there !== sum) note('counters', `${key} is ${there}, not ${sum}`)
    }
    for (const [key, members] of this.#members) {
      for (const [member, isThere] of members) {
        if ((shown.sets.get(key)?.has(member) === true) !== isThere) note('members', `${member} of ${key}`)
      }
    }
    return found
  }
}
