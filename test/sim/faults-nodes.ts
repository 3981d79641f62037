/**
 * Faults of whole nodes and of the gossip between two of them, as the planner draws them; their actions are in
 * `operators-nodes.ts` and `operators-links.ts`.
 */
import type { ActStep, Drawing } from './acts.js'

/** Two nodes, and how long a fault lasts. */
export interface Struck {
  readonly a: string
  readonly b: string
  readonly lastsMs: number
}

/** One kind of fault. */
export type Fault = (drawing: Drawing, struck: Struck) => readonly ActStep[]

const hourMs = 3_600_000
const dayMs = 24 * hourMs

const now = (...words: string[]): ActStep => ({ afterMs: 0, words })
const then = (afterMs: number, ...words: string[]): ActStep => ({ afterMs, words })

/** A process that is paused, briefly or for so long that the others take it for gone. */
const pause: Fault = ({ random, isLong }, { a }) => {
  const forMs = random.chance(0.3) ? 20 + random.below(400) : 500 + random.below(isLong ? 60_000 : 8_000)
  return [now('pause', a, String(forMs))]
}

/** Gossip between two nodes is lost, mostly for good: sync alone brings what one of them writes. */
const hush: Fault = ({ random }, { a, b, lastsMs }) =>
  random.chance(0.7) ? [now('hush', a, b)] : [now('hush', a, b), then(lastsMs, 'unhush', a, b)]

/** Heartbeats that wait behind something: sessions overtake what they say. */
const lag: Fault = ({ random }, { a, b, lastsMs }) => [
  now('lag', a, b, String(50 + random.below(1_500))),
  now('sync', b, a),
  then(random.next() * lastsMs, 'sync', b, a),
  then(random.next() * lastsMs, 'sync', b, a),
  then(2 * lastsMs, 'lag', a, b, '0'),
]

/** A node that refuses large values in sessions for a while. */
const narrow: Fault = ({ random }, { a, lastsMs }) => [
  now('narrow', a, String(200 + random.below(2_000))),
  then(2 * lastsMs, 'widen', a),
]

/**
 * Large siblings, made beside a version that all have while their node was cut off; it can tell of them as an entry
 * only.
 */
const hoard: Fault = (drawing, { a }) => {
  const { key, random } = drawing
  const atMs = 400 + random.below(800)
  const siblings = Array.from({ length: 2 + random.below(2) }, () =>
    then(atMs + 50, 'beside', a, key, drawing.unique, String(1_200 + random.below(3_000))),
  )
  return [
    now('put', a, key, drawing.unique),
    then(atMs, 'split', a),
    ...siblings,
    then(atMs + 150, 'crash', a, 'reset'),
    then(atMs + 170, 'unlog', a, key),
    then(atMs + 190, 'start', a),
    then(atMs + 200 + random.below(1_500), 'mendall'),
  ]
}

/** Hours or weeks in which nobody does anything: what is kept for a time may go. */
const leap: Fault = ({ random }) => [
  now('leap', String(random.pick([300_000, 20 * hourMs, 26 * hourMs, 26 * hourMs, 9 * dayMs, 40 * dayMs]))),
]

/** Every kind, by name. */
export const nodeFaults: Readonly<Record<string, Fault>> = { pause, hush, lag, narrow, hoard, leap }
