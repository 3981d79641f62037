/**
 * Folds of counters in a whole mesh: restarts, disks that go back in time, deletes, baselines that go, members away;
 * against an account of every increment, each a power of two, that knows nothing of how they are stored. The rules
 * under which a replica folds and deletes baselines are stated here once more, in the terms of the reference state.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { counter } from '../../store/model/address.js'
import { Context } from '../../store/model/context.js'
import { counterValue, idleBaselines, increment, isPresent, resetsOf } from '../../store/model/counter.js'
import { foldOf } from '../../store/model/counter-fold.js'
import { decodeCounter, encodeCounter } from '../../store/model/counter-values.js'
import { type Actor, compareDots, type Dot } from '../../store/model/dot.js'
import type { Update, Version } from '../../store/model/update.js'
import { amount } from '../support/effort.js'
import { ReferenceState } from '../support/reference-state.js'

const address = counter('hits')
const incrementsMax = 50

/** Last acknowledgement of a member, as another one heard it; a greater epoch takes its place. */
interface Heard {
  readonly epoch: number
  readonly acknowledged: Context
}

/** A disk: what survives a restart, and may go back in time. */
interface Disk {
  readonly state: ReferenceState
  readonly heard: Map<number, Heard>
}

/** One increment: it is in every total of its chain that has come as far. */
interface Counted {
  readonly dot: Dot
  readonly bit: bigint
  readonly chain: string
}

interface Member {
  disk: Disk
  run: Actor
  issued: number
  epoch: number
  image: Disk | undefined
  /** Last increment of this run. */
  evidence: Dot | undefined
}

const copyOf = ({ state, heard }: Disk): Disk => ({ state: state.clone(), heard: new Map(heard) })

/** Three members of one mesh. */
class Mesh {
  readonly members: Member[]
  readonly updates: Update[] = []
  readonly increments: Counted[] = []
  readonly deletes: { readonly dot: Dot; readonly bits: bigint }[] = []
  /** Versions that folds took the place of, and baselines that went. */
  folded = 0
  swept = 0
  readonly #owners = new Map<Actor, Member>()

  constructor(count: number) {
    this.members = Array.from({ length: count }, () => {
      const disk = { state: new ReferenceState(), heard: new Map() }
      const member = { disk, run: '', issued: 0, epoch: 0, image: undefined, evidence: undefined }
      return this.#begin(member)
    })
  }

  versions({ disk }: Member): readonly Version[] {
    return [...disk.state.entries.values()][0]?.versions ?? []
  }

  restart(member: Member): void {
    this.#begin(member)
  }

  rollBack(member: Member): void {
    if (member.image !== undefined) member.disk = copyOf(member.image)
    this.#begin(member)
  }

  count(member: Member): void {
    if (this.increments.length === incrementsMax) return
    const bit = 2n ** BigInt(this.increments.length)
    const dot = this.#next(member)
    const time = { ms: this.updates.length, logical: 0 }
    const { value, supersedes } = increment(this.versions(member), dot, time, Number(bit))
    const counted = decodeCounter(value)
    const chain = counted.kind === 'total' ? `${counted.reach.actor}/${counted.reach.chain}` : ''
    this.increments.push({ dot, bit, chain })
    member.evidence = dot
    this.#issue(member, dot, value, supersedes)
  }

  delete(member: Member): void {
    if (!isPresent(this.versions(member))) return
    const { reaches, supersedes } = resetsOf(this.versions(member))[0]!
    const dot = this.#next(member)
    this.deletes.push({ dot, bits: this.#countedIn(member) })
    this.#issue(member, dot, encodeCounter({ kind: 'baseline', reaches }), supersedes)
  }

  /** Folds when all members have acknowledged something of this run, and nothing that they have is unknown here. */
  fold(member: Member, totalsMin: number): void {
    if (member.evidence === undefined || !this.#isKnownToAll(member, member.evidence)) return
    const isOwn = (actor: Actor) => this.#owners.get(actor) === member
    const fold = foldOf(this.versions(member), { current: member.run, isOwn, nowMs: 0, totalsMin })
    if (fold === undefined) return
    this.folded += fold.supersedes.length
    const before = counterValue(this.versions(member))
    this.#issue(member, this.#next(member), fold.value, fold.supersedes)
    expect(counterValue(this.versions(member))).toBe(before)
  }

  /** Deletes idle baselines, under the same condition: what this member lost with its disk may go on below one. */
  sweep(member: Member): void {
    if (member.evidence === undefined || !this.#isKnownToAll(member, member.evidence)) return
    const idle = idleBaselines(this.versions(member)).filter(({ dot }) => this.#isKnownToAll(member, dot))
    if (idle.length === 0) return
    this.swept += idle.length
    const dots = idle.map(({ dot }) => dot)
    this.#issue(member, this.#next(member), null, dots)
  }

  /** A whole session, and what each side acknowledges and has heard of others. */
  meet(one: Member, two: Member): void {
    one.disk.state.join(two.disk.state)
    two.disk.state.join(one.disk.state)
    for (const [from, to] of [
      [one, two],
      [two, one],
    ] as const) {
      const acknowledged = from.disk.state.applied.clone()
      for (const [at, heard] of [...from.disk.heard, [this.#at(from), { epoch: from.epoch, acknowledged }] as const]) {
        const known = to.disk.heard.get(at)
        const isNewer = known === undefined || heard.epoch > known.epoch
        const isMore = known?.epoch === heard.epoch && heard.acknowledged.covers(known.acknowledged)
        if (this.members[at] !== to && (isNewer || isMore)) to.disk.heard.set(at, heard)
      }
    }
  }

  /** Gossip of which most was lost: one update, without what came before it. */
  learn(member: Member, pick: number): void {
    const missing = this.updates.filter(
      ({ dot }) => !member.disk.state.applied.has(dot) && this.members.some(({ disk }) => disk.state.applied.has(dot)),
    )
    const update = missing[pick % Math.max(1, missing.length)]
    if (update !== undefined) member.disk.state.apply(update)
  }

  /** All meet, fold and sweep, until nothing changes any more. */
  settle(): void {
    for (let round = 0; round < 3; round++) {
      for (const one of this.members) for (const two of this.members) if (one !== two) this.meet(one, two)
      for (const member of this.members) {
        this.sweep(member)
        this.fold(member, 2)
      }
    }
    for (const one of this.members) for (const two of this.members) if (one !== two) this.meet(one, two)
  }

  /** What is not lost with a disk that went back, and not covered by such a delete. */
  expected(): bigint {
    const [first] = this.members
    const gone = this.deletes.filter(({ dot }) => first!.disk.state.seen.has(dot))
    return this.#countedIn(first!) & ~gone.reduce((sum, { bits }) => sum | bits, 0n)
  }

  /** What a member has seen of, by itself or in a total that went on from it. */
  #countedIn({ disk }: Member): bigint {
    const reached = new Set<string>()
    let bits = 0n
    for (const { dot, chain, bit } of this.increments.toReversed()) {
      if (disk.state.seen.has(dot)) reached.add(chain)
      if (reached.has(chain)) bits |= bit
    }
    return bits
  }

  #begin(member: Member): Member {
    member.run = `${this.#owners.size + 1}`.padStart(16, '0')
    member.issued = 0
    // As a clock does: a disk that goes back takes no epoch with it.
    member.epoch = this.#owners.size + 1
    member.evidence = undefined
    this.#owners.set(member.run, member)
    return member
  }

  #at(member: Member): number {
    return this.members.indexOf(member)
  }

  #isKnownToAll(member: Member, dot: Dot): boolean {
    const { applied } = member.disk.state
    return this.members.every((other, at) => {
      if (other === member) return true
      const acknowledged = member.disk.heard.get(at)?.acknowledged ?? new Context()
      return acknowledged.has(dot) && applied.covers(acknowledged)
    })
  }

  #next(member: Member): Dot {
    return { actor: member.run, counter: ++member.issued }
  }

  #issue(member: Member, dot: Dot, value: Uint8Array | null, over: readonly Dot[]): void {
    const time = { ms: this.updates.length, logical: 0 }
    const kind = value === null ? 'delete' : 'put'
    const supersedes = over.toSorted(compareDots)
    const update: Update = { dot, address, kind, time, expiresAtMs: null, value, supersedes }
    this.updates.push(update)
    member.disk.state.apply(update)
  }
}

type Act = (mesh: Mesh, member: Member, pick: number) => void

const acts: readonly (readonly [weight: number, act: Act])[] = [
  [6, (mesh, member) => mesh.count(member)],
  [1, (mesh, member) => mesh.delete(member)],
  [3, (mesh, member) => mesh.restart(member)],
  [1, (_, member) => (member.image = copyOf(member.disk))],
  [1, (mesh, member) => mesh.rollBack(member)],
  [3, (mesh, member, pick) => mesh.fold(member, 1 + (pick % 3))],
  [2, (mesh, member) => mesh.sweep(member)],
  [2, (mesh, member, pick) => mesh.learn(member, pick)],
  [6, (mesh, member, pick) => mesh.meet(member, mesh.members[(mesh.members.indexOf(member) + 1 + (pick % 2)) % 3]!)],
]

const history = fc.array(
  fc.record({
    act: fc.oneof(...acts.map(([weight, act]) => ({ weight, arbitrary: fc.constant(act) }))),
    at: fc.nat(2),
    pick: fc.nat(20),
  }),
  { minLength: 20, maxLength: 120, size: 'max' },
)

describe('folds of a counter', () => {
  it('count every increment that no delete had in view, whatever restarts, goes back in time, or is away', () => {
    let [folded, swept] = [0, 0]
    fc.assert(
      fc.property(history, (steps) => {
        const mesh = new Mesh(3)
        for (const { act, at, pick } of steps) act(mesh, mesh.members[at]!, pick)
        mesh.settle()
        for (const member of mesh.members) expect(counterValue(mesh.versions(member)) ?? 0n).toBe(mesh.expected())
        folded += mesh.folded
        swept += mesh.swept
      }),
      { numRuns: amount(150, 2_000, 100_000) },
    )
    expect(folded).toBeGreaterThan(20)
    expect(swept).toBeGreaterThan(20)
  })

  it('leave at most a few versions of each member, however often it restarts', () => {
    const mesh = new Mesh(3)
    for (let round = 0; round < 16; round++) {
      for (const member of mesh.members) mesh.count(member)
      mesh.settle()
      for (const member of mesh.members) mesh.restart(member)
    }
    const kinds = mesh.versions(mesh.members[0]!).map(({ value }) => decodeCounter(value).kind)
    expect(kinds.filter((kind) => kind === 'folded')).toHaveLength(3)
    expect(kinds.length).toBeLessThanOrEqual(9)
    expect(counterValue(mesh.versions(mesh.members[0]!))).toBe(2n ** 48n - 1n)
  })
})
