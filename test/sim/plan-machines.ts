/**
 * Faults of whole machines, drawn beside everything else by a randomness of their own: what else a seed does is the
 * same with them and without.
 */
import type { Random } from '../support/random.js'
import { type ActStep, acts, brief, type Drawing } from './acts.js'
import { lieKinds } from './liar.js'

/** Kinds of faults of machines. */
export const machineKinds = ['sleep', 'freeze', 'fork', 'rewind', 'lie', 'claim'] as const
export type MachineKind = (typeof machineKinds)[number]

/** True if there is such a fault. */
export function isMachineKind(kind: string): kind is MachineKind {
  return (machineKinds as readonly string[]).includes(kind)
}

/**
 * Kinds that seeds draw. What a peer claims in its contexts is believed by all who meet it: that is played on its own.
 */
export const drawnKinds: readonly MachineKind[] = ['sleep', 'freeze', 'fork', 'rewind', 'lie']

/** The share of seeds that have them. */
export const machineShare = 0.35

/** How long a wall clock is wrong after a wake, in milliseconds. */
const staleMs = (random: Random) => (random.chance(0.5) ? 0 : 200 + random.below(3_000))

/**
 * One fault of a machine, and what users do there meanwhile. `copies`: how many names of copies were given out before.
 */
export function machineFault(p: Drawing, kind: MachineKind, copy: string): readonly ActStep[] {
  const { random } = p
  const name = p.node
  const lastsMs = 300 + random.next() * 5_000
  const at = (afterMs: number, ...words: string[]): ActStep => ({ afterMs, words })
  switch (kind) {
    case 'sleep':
      return [
        ...writes(p, name, -300, 300),
        at(0, 'sleep', name, random.pick(['reset', 'silent'])),
        ...writes(p, undefined, 0, lastsMs),
        at(lastsMs, 'wake', name, String(staleMs(random))),
        ...writes(p, name, lastsMs, 1_500),
      ]
    case 'freeze':
      return [at(0, 'freeze', name), ...writes(p, undefined, 0, lastsMs), at(lastsMs, 'thaw', name)]
    case 'fork': {
      // Noticed at once, after some writes, or never.
      const noticed = random.pick(['at once', 'late', 'never'])
      const jump = String(random.pick([-1, 1]) * (2_500 + random.below(60_000)))
      return [
        ...writes(p, name, -300, 300),
        at(0, 'fork', name, copy, noticed === 'at once' ? jump : '0'),
        ...writes(p, name, 0, lastsMs),
        ...writes(p, copy, 60, lastsMs),
        ...(noticed === 'late' ? [at(lastsMs * random.next(), 'jump', copy, jump)] : []),
        at(lastsMs, 'settle', copy, random.pick(['as it runs', 'anew'])),
        ...writes(p, copy, lastsMs, 2_000),
        ...writes(p, name, lastsMs, 2_000),
      ]
    }
    case 'lie':
    case 'claim': {
      const told = lieKinds.filter((one) => one !== 'seen')
      const kinds = kind === 'claim' ? ['seen'] : random.shuffle(told).slice(0, 1 + random.below(3))
      return [
        at(0, 'lie', name, p.salt, ...kinds),
        ...writes(p, undefined, 0, lastsMs),
        ...writes(p, name, 0, lastsMs),
        at(lastsMs, 'truth', name),
        ...writes(p, undefined, lastsMs, 1_500),
      ]
    }
    case 'rewind':
      return [
        ...writes(p, name, -300, 300),
        at(0, 'snapshot', name),
        ...writes(p, name, 0, lastsMs),
        at(lastsMs, 'rewind', name, String(staleMs(random))),
        ...writes(p, name, lastsMs + 20, 1_500),
      ]
  }
}

/** Some acts of users at a node, or anywhere, in a span of time. */
function writes(p: Drawing, name: string | undefined, fromMs: number, spanMs: number): ActStep[] {
  const { random } = p
  const here = name === undefined ? p : at(p, name)
  return Array.from({ length: random.below(5) }, () => {
    const afterMs = Math.max(0, fromMs + random.next() * spanMs)
    const steps = random.chance(0.2) ? brief(here) : random.pick(acts)(here)
    return steps.map((step) => ({ ...step, afterMs: afterMs + step.afterMs }))
  }).flat()
}

/** What is drawn, but always at this node. */
function at(p: Drawing, node: string): Drawing {
  return {
    random: p.random,
    isLong: p.isLong,
    node,
    get key() {
      return p.key
    },
    get value() {
      return p.value
    },
    get unique() {
      return p.unique
    },
    get salt() {
      return p.salt
    },
  }
}
