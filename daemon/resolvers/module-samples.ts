/** Versions to check a module with: generated from a fixed seed, so that every node checks a module alike. */
import type { SentVersion } from './module-messages.js'

const seed = 0x6865_6172
const keys = ['a', 'b', 'count', 'name', 'tags', '2'] as const
const texts = ['', 'a', 'b', 'hello', 'gr\u00fc\u00df', '0'] as const
const versionsMax = 4
const depthMax = 3

/** Sets of two to four distinct versions: JSON of many forms, numbers, texts, arbitrary bytes. */
export function generatedSets(count: number): SentVersion[][] {
  const chance = new Chance(seed)
  const makers = [
    () => json(flatCounts(chance)),
    () => json(document(chance, depthMax)),
    () => json(document(chance, 0)),
    () => Buffer.from(chance.pick(texts)),
    () => Uint8Array.from({ length: chance.below(6) }, () => chance.below(256)),
  ]
  return Array.from({ length: count }, (_, at) => distinctSet(chance, makers[at % makers.length]!))
}

/** Sets of the values that a module gives as examples, some of them changed a little where they are JSON. */
export function exampleSets(examples: readonly Uint8Array[], count: number): SentVersion[][] {
  if (examples.length === 0) return []
  const chance = new Chance(seed)
  const make = () => (chance.below(2) === 0 ? chance.pick(examples) : changed(chance, chance.pick(examples)))
  return Array.from({ length: count }, () => distinctSet(chance, make))
}

/** Random numbers from a seed (mulberry32). */
class Chance {
  #state: number

  constructor(start: number) {
    this.#state = start
  }

  below(limit: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!
  }
}

/** Latest first, as a module is given them; equal values are one version. Times of two versions may be equal. */
function distinctSet(chance: Chance, make: () => Uint8Array): SentVersion[] {
  const values = new Map<string, Uint8Array>()
  for (let left = 2 + chance.below(versionsMax - 1); left > 0; left--) {
    const value = make()
    values.set(Buffer.from(value).toString('latin1'), value)
  }
  const versions = [...values.values()].map((value) => ({ value, time: 1_700_000_000_000 + chance.below(3) }))
  return versions.sort((a, b) => b.time - a.time || Buffer.compare(a.value, b.value))
}

const json = (value: unknown) => Buffer.from(JSON.stringify(value))

function flatCounts(chance: Chance): Record<string, number> {
  return Object.fromEntries(keys.filter(() => chance.below(2) === 0).map((key) => [key, chance.below(10)]))
}

function document(chance: Chance, depth: number): unknown {
  const kind = chance.below(depth > 0 ? 7 : 4)
  if (kind === 0) return chance.below(100)
  if (kind === 1) return chance.pick(texts)
  if (kind === 2) return chance.pick([true, false, null])
  if (kind === 3) return chance.pick([1.5, -3, 2 ** 53, 0])
  if (kind === 4) return Array.from({ length: chance.below(4) }, () => document(chance, depth - 1))
  const chosen = keys.filter(() => chance.below(2) === 0)
  return Object.fromEntries(chosen.map((key) => [key, document(chance, depth - 1)]))
}

/** The example with some numbers raised and some members left out; as it is when it is not JSON. */
function changed(chance: Chance, example: Uint8Array): Uint8Array {
  try {
    return json(changedValue(chance, JSON.parse(Buffer.from(example).toString())))
  } catch {
    return example
  }
}

function changedValue(chance: Chance, value: unknown): unknown {
  if (typeof value === 'number') return chance.below(2) === 0 ? value : value + 1 + chance.below(3)
  if (Array.isArray(value)) {
    return value.filter(() => chance.below(4) > 0).map((item) => changedValue(chance, item))
  }
  if (typeof value !== 'object' || value === null) return value
  const members = Object.entries(value).filter(() => chance.below(4) > 0)
  return Object.fromEntries(members.map(([key, inner]) => [key, changedValue(chance, inner)]))
}
