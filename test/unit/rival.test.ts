/** Two live nodes under one peer id: both notice, both decide alike, and one of them gives way. */
import { describe, expect, it } from 'vitest'
import { memberAddress } from '../../protocols/membership/core/record.js'
import { hasForeign, type Rival, rivalOf } from '../../protocols/membership/core/rival.js'
import type { Update } from '../../store/model/update.js'
import { type MemberNode, openMember } from '../support/member-nodes.js'
import { FakeMesh } from '../support/network/mesh.js'
import { VirtualWorld } from '../support/virtual-environment.js'

const dot = (actor: string, counter: number) => ({ actor, counter })
const version = (actor: string, ...supersedes: { actor: string; counter: number }[]) =>
  ({ dot: dot(actor, 5), supersedes }) as unknown as Update

describe('the own record', () => {
  it('proves a rival when another run has superseded what this one wrote, and by nothing less', () => {
    expect(rivalOf([version('bb', dot('aa', 1))], 'aa')).toEqual({ ours: 'aa', theirs: 'bb', weGiveWay: false })
    expect(rivalOf([version('aa', dot('bb', 1))], 'bb')).toEqual({ ours: 'bb', theirs: 'aa', weGiveWay: true })
    // An earlier run of this node, on a disk that was rolled back; our own word; a run that has written nothing.
    expect(rivalOf([version('bb', dot('cc', 1))], 'aa')).toBeUndefined()
    expect(rivalOf([version('aa', dot('aa', 1))], 'aa')).toBeUndefined()
    expect(rivalOf([version('bb', dot('aa', 1))], undefined)).toBeUndefined()
  })

  it('is foreign when any live version of it is of another run', () => {
    expect(hasForeign([], 'aa')).toBe(false)
    expect(hasForeign([version('aa')], 'aa')).toBe(false)
    expect(hasForeign([version('aa'), version('bb')], 'aa')).toBe(true)
    expect(hasForeign([version('aa')], undefined)).toBe(true)
  })
})

describe('a copied data directory', () => {
  interface Twin extends MemberNode {
    readonly rivals: Rival[]
  }

  /** Two nodes from one store, each in a mesh of its own, so that they meet through what `carry` brings alone. */
  async function openTwins(seed: number, addresses: readonly [string, string]) {
    const world = new VirtualWorld(seed)
    const home = new FakeMesh(world)
    const first = await openMember(home, 'a')
    await openMember(home, 'p')
    home.connectAll()
    await world.runUntil(() => first.membership.records().length === 1)
    await world.runThrough(first.stop())
    const open = async (store: MemberNode['store'], address: string): Promise<Twin> => {
      const mesh = new FakeMesh(world)
      const rivals: Rival[] = []
      const node = await openMember(mesh, 'a', {
        store,
        addresses: () => [address],
        onRival: (one) => rivals.push(one),
      })
      await openMember(mesh, 'neighbour')
      mesh.connectAll()
      return { ...node, rivals }
    }
    const twins = [
      await open(first.store.clone(), addresses[0]),
      await open(first.store.clone(), addresses[1]),
    ] as const
    return { world, twins }
  }

  async function carry(world: VirtualWorld, from: MemberNode, to: MemberNode): Promise<void> {
    const { applied, members } = from.replica.sync.capture()
    const there = to.replica.sync.capture().applied
    const { updates } = await world.runThrough(from.replica.sync.readMissing(applied.minus(there), 1 << 20, there))
    await world.runThrough(to.replica.sync.applyUpdates({ updates: [...updates], members }))
  }

  const givesWay = ({ rivals }: Twin) => rivals.some(({ weGiveWay }) => weGiveWay)

  it.each(Array.from({ length: 12 }, (_, at) => at + 1))(
    'is noticed by both, and one gives way (seed %i)',
    async (seed) => {
      const { world, twins } = await openTwins(seed, ['/ip4/10.0.0.1/tcp/1', '/ip4/10.0.0.2/tcp/2'])
      // At once, or one after the other: with an odd seed both have written before either hears of the other.
      if (seed % 2 === 1) await world.runFor(2_000)
      for (let round = 0; round < 6 && !twins.some(givesWay); round++) {
        for (const [from, to] of [twins, twins.toReversed()] as const) {
          if (!twins.some(givesWay)) await carry(world, from!, to!)
          await world.runFor(300)
        }
      }
      const loser = twins.find(givesWay)!
      const winner = twins.find((twin) => twin !== loser)!
      expect(loser.rivals.at(-1)).toEqual({
        ours: loser.replica.runs.actor,
        theirs: winner.replica.runs.actor,
        weGiveWay: true,
      })
      expect(loser.replica.runs.actor! > winner.replica.runs.actor!).toBe(true)
      expect(givesWay(winner)).toBe(false)
      expect(loser.membership.warnings().join()).toContain('this node takes a new peer id by itself')
      // Who gives way writes the record no more, and whoever keeps the id is not disturbed again.
      const last = loser.replica.sync.capture().applied.lastOf(loser.replica.runs.actor!)
      for (let round = 0; round < 3; round++) {
        await carry(world, winner, loser)
        await carry(world, loser, winner)
        await world.runFor(2_000)
      }
      expect(loser.replica.sync.capture().applied.lastOf(loser.replica.runs.actor!)).toBe(last)
      const [kept, ...others] = winner.replica.versions(memberAddress('a'))
      expect(others).toEqual([])
      expect(kept!.dot.actor).toBe(winner.replica.runs.actor)
      await world.runFor(120_000)
      expect(winner.membership.warnings()).toEqual([])
    },
  )

  it('that was rolled back meets what it wrote before as no rival', async () => {
    const world = new VirtualWorld(3)
    const mesh = new FakeMesh(world)
    const rivals: Rival[] = []
    const a = await openMember(mesh, 'a')
    const p = await openMember(mesh, 'p')
    mesh.connectAll()
    await world.runUntil(() => a.membership.records().length === 1 && p.membership.records().length === 1)
    await world.runThrough(a.stop())
    mesh.remove('a')
    const old = a.store.clone()
    const moved = { addresses: () => ['/ip4/10.0.0.7/tcp/7'], onRival: (rival: Rival) => rivals.push(rival) }
    const later = await openMember(mesh, 'a', { store: a.store, ...moved })
    mesh.connectAll()
    await world.runFor(2_000)
    await carry(world, later, p)
    expect(p.membership.records()[0]!.addresses).toEqual(['/ip4/10.0.0.7/tcp/7'])
    await world.runThrough(later.stop())
    mesh.remove('a')
    const again = await openMember(mesh, 'a', { store: old, onRival: moved.onRival })
    mesh.connectAll()
    await world.runFor(2_000)
    await carry(world, p, again)
    await world.runFor(10_000)
    await carry(world, again, p)
    expect(again.replica.versions(memberAddress('a')).map(({ dot }) => dot.actor)).toEqual([again.replica.runs.actor])
    expect(rivals).toEqual([])
    expect(again.membership.warnings()).toEqual([])
  })
})
