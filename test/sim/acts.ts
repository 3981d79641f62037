/**
 * What users of a seed do: each act draws where, on which key and with which value, and says the actions of `users.ts`
 * that it takes.
 */
import type { Random } from '../support/random.js'

/** Something that is done a while after the moment that was drawn for it. */
export interface ActStep {
  readonly afterMs: number
  readonly words: readonly string[]
}

/** What an act draws from. Each getter draws again. */
export interface Drawing {
  readonly random: Random
  /** A long seed: some minutes of virtual time. */
  readonly isLong: boolean
  readonly node: string
  readonly key: string
  readonly value: string
  /** A text that is drawn once. */
  readonly unique: string
  /** A number that decides what the action itself draws. */
  readonly salt: string
}

/** One thing that a user does. */
export type UserAct = (drawing: Drawing) => readonly ActStep[]

const now = (...words: string[]): ActStep => ({ afterMs: 0, words })

/** A key that lives for a moment: written, and deleted soon after, there or at another node. */
export function brief(p: Drawing, afterMs = 0): ActStep[] {
  const key = p.key
  const by = p.node
  const deleter = p.random.chance(0.5) ? by : p.node
  return [
    { afterMs, words: ['put', by, key, p.value] },
    { afterMs: afterMs + 10 + p.random.next() * 500, words: ['deleteall', deleter, key] },
  ]
}

const put: UserAct = (p) => [now('put', p.node, p.key, p.value)]
const remove: UserAct = (p) => [now('delete', p.node, p.key)]

const member = (p: Drawing) => `m${p.random.below(4)}`
const field = (p: Drawing) => `f${p.random.below(3)}`

/** Counters have fewer keys than there are, so that several nodes count on the same one. */
const counted = (p: Drawing) => `c${p.random.below(2)}`

const count: UserAct = (p) => [now('incr', p.node, counted(p), String(p.random.below(20) - 5))]

/** A counter that is deleted and counted again soon after, there and elsewhere. */
const recount: UserAct = (p) => {
  const key = counted(p)
  const steps = [now('incr', p.node, key, '3'), now('uncount', p.node, key)]
  for (let left = 1 + p.random.below(3); left > 0; left--) {
    steps.push({ afterMs: p.random.next() * 900, words: ['incr', p.node, key, String(1 + p.random.below(5))] })
  }
  return steps
}

/** A user who hears no answer, or does not believe it, asks the same again. */
const again: UserAct = (p) => {
  const words = ['again', p.node, p.key, p.unique]
  return [
    now(...words),
    ...Array.from({ length: 1 + p.random.below(3) }, () => ({ afterMs: p.random.next() * 3_000, words })),
  ]
}

/** Somebody takes a retry key for another request, while the first may be repeated still. */
const reuse: UserAct = (p) => {
  const [node, key, retryKey] = [p.node, p.key, p.unique]
  const again = ['again', node, key, retryKey]
  return [
    now(...again),
    { afterMs: p.random.next() * 2_000, words: ['reuse', node, p.key, p.unique, retryKey] },
    { afterMs: p.random.next() * 4_000, words: again },
  ]
}

/** Large values of one key at several nodes at once: siblings that do not travel together in one message. */
const pile: UserAct = (p) => {
  const key = p.key
  return Array.from({ length: 2 + p.random.below(3) }, () =>
    now('big', p.node, key, p.unique, String(1_000 + p.random.below(3_000))),
  )
}

/** Siblings of which some expire soon, some later, and one never. */
const mortal: UserAct = (p) => {
  const key = p.key
  const deadlines = Array.from({ length: 1 + p.random.below(3) }, () => String(500 + p.random.below(6_000)))
  const puts = deadlines.map((ms) => now('put', p.node, key, p.unique, 'ttl', ms))
  return p.random.chance(0.6) ? [...puts, now('put', p.node, key, p.unique)] : puts
}

/** What users do; as often as it stands here. A further type of data adds its acts, and their verbs to users.ts. */
export const acts: readonly UserAct[] = [
  put,
  put,
  put,
  put,
  (p) => [now('put', p.node, p.key, p.value, 'ttl', String(1_000 + p.random.below(p.isLong ? 120_000 : 20_000)))],
  (p) => [now('get', p.node, p.key)],
  (p) => [now('get', p.node, p.key)],
  (p) => [now('get', p.node, p.key)],
  (p) => [now('tokenput', p.node, p.key, p.value)],
  (p) => [now('tokenput', p.node, p.key, p.value)],
  (p) => [now('wrongput', p.node, p.key, p.value, p.key)],
  remove,
  remove,
  again,
  again,
  reuse,
  pile,
  mortal,
  mortal,
  (p) => [now('deleteall', p.node, p.key)],
  (p) => [now('tokendelete', p.node, p.key)],
  (p) => [now('batch', p.node, p.value, p.key, p.key, p.key)],
  count,
  count,
  count,
  (p) => [now('uncount', p.node, counted(p))],
  (p) => [now('setadd', p.node, p.key, member(p))],
  (p) => [now('settake', p.node, p.key, member(p))],
  (p) => [now('setclear', p.node, p.key)],
  (p) => [now('mapput', p.node, p.key, field(p), p.value)],
  (p) => [now('mapput', p.node, p.key, field(p), p.value)],
  (p) => [now(p.random.chance(0.7) ? 'maprm' : 'mapclear', p.node, p.key, field(p))],
  (p) => [now('edit', p.node, p.key, p.value)],
  (p) => [now('together', p.node, p.key, p.value, member(p), field(p))],
  (p) => [now('refused', p.node, p.key, p.value, member(p))],
  recount,
  (p) => [now('some', p.node, p.key, p.value, p.salt)],
  (p) => [now('some', p.node, p.key, p.value, p.salt)],
  (p) => [now('big', p.node, p.key, p.value, String(500 + p.random.below(4_000)))],
  (p) => [now('acks', p.node, p.key, p.value, p.random.pick(['2', 'majority', 'all']))],
  (p) => {
    const key = p.key
    return [now('put', p.node, key, p.value), now('put', p.node, key, p.value)]
  },
  (p) => brief(p),
]

/** Documents have fewer keys still, so that edits meet. */
const edited = (p: Drawing) => `d${p.random.below(2)}`

const edit: UserAct = (p) => [now('docset', p.node, edited(p), p.unique)]

/** What users do with documents. */
export const documentActs: readonly UserAct[] = [
  edit,
  edit,
  edit,
  edit,
  (p) => {
    const key = edited(p)
    return [now('docset', p.node, key, p.unique), now('docset', p.node, key, p.unique)]
  },
  (p) => [now('docget', p.node, edited(p))],
  (p) => [now('docspoil', p.node, edited(p), p.unique)],
  (p) => [now('docdel', p.node, edited(p))],
]

/**
 * Counts of one node in several short runs; meanwhile others count and delete, and its disk may go back to an earlier
 * run.
 */
export function shortRuns(random: Random, node: string, others: readonly string[]): ActStep[] {
  const key = `c${random.below(2)}`
  const steps: ActStep[] = []
  const goesBack = random.chance(0.4)
  let atMs = 0
  const then = (afterMs: number, ...words: string[]) => steps.push({ afterMs: atMs + afterMs, words })
  for (let run = 2 + random.below(4); run > 0; run--) {
    then(0, 'incr', node, key, String(1 + random.below(9)))
    if (random.chance(0.3)) then(random.next() * 300, 'incr', random.pick(others), key, String(1 + random.below(9)))
    if (random.chance(0.25)) then(random.next() * 1_500, 'uncount', random.pick(others), key)
    if (random.chance(0.3)) then(random.next() * 1_500, 'image', node)
    atMs += 700 + random.next() * 3_000
    then(0, random.chance(0.5) ? 'stop' : 'crash', node, 'reset')
    if (goesBack && random.chance(0.4)) then(60, 'rollback', node)
    then(100, 'start', node)
    atMs += 130 + random.next() * 400
  }
  then(0, 'incr', node, key, '1')
  return steps
}
