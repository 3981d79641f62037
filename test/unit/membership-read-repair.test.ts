/** Repair at a read, on real replicas in virtual time. */
import { describe, expect, it } from 'vitest'
import { encodeRecord, memberAddress } from '../../protocols/membership/core/record.js'
import { readProtocol } from '../../protocols/membership/read-messages.js'
import { register } from '../../store/model/address.js'
import { type MemberNode, openMembers } from '../support/member-nodes.js'

type Trio = [MemberNode, MemberNode, MemberNode]

describe('read repair', () => {
  const address = register('key')

  async function lagging() {
    const opened = await openMembers(['a', 'b', 'c'])
    const { world, mesh, nodes } = opened
    const [a] = nodes as Trio
    await world.runThrough(a.put('key', 'old'))
    await world.runUntil(() => nodes.every((node) => node.values('key')[0] === 'old'))
    mesh.split(['a', 'b'], ['c'])
    return { ...opened, a, b: nodes[1]!, c: nodes[2]! }
  }

  it('brings what was missed here, and only that', async () => {
    const { world, mesh, a, c } = await lagging()
    await world.runThrough(a.put('key', 'new'))
    await world.runThrough(a.put('other', 'x'))
    await world.runFor(100)
    mesh.connectAll()
    await world.runThrough(c.membership.consistency.readRepair(address, 'majority', 5_000))
    expect(c.values('key')).toEqual(['new'])
    expect(c.values('other')).toEqual([])
    expect(c.replica.sync.capture().seen.covers(a.replica.sync.capture().seen)).toBe(false)
  })

  it('takes away what was deleted elsewhere, and never what others have not seen', async () => {
    const { world, mesh, a, b, c } = await lagging()
    await world.runThrough(
      a.replica.transact((transaction) => {
        transaction.remove(
          address,
          transaction.versions(address).map((version) => version.dot),
        )
      }),
    )
    await world.runUntil(() => b.values('key').length === 0)
    await world.runThrough(
      c.replica.transact((transaction) => {
        transaction.put(address, Buffer.from('concurrent'), null, [])
      }),
    )
    expect(c.values('key').sort()).toEqual(['concurrent', 'old'])
    mesh.connectAll()
    await world.runThrough(c.membership.consistency.readRepair(address, 'all', 5_000))
    expect(c.values('key')).toEqual(['concurrent'])
    // Those that lagged were repaired before the read returned.
    expect(a.values('key')).toEqual(['concurrent'])
    expect(b.values('key')).toEqual(['concurrent'])
  })

  it('refuses when too few answer, when the member lists differ, and while this store is not verified', async () => {
    const { world, mesh, a, b, c } = await lagging()
    await expect(
      world.runThrough(c.membership.consistency.readRepair(address, 'majority', 1_000)),
    ).rejects.toMatchObject({
      code: 'NO_QUORUM',
      details: { have: 1, want: 2 },
    })
    await expect(world.runThrough(a.membership.consistency.readRepair(address, 'all', 1_000))).rejects.toMatchObject({
      code: 'NO_QUORUM',
    })
    await world.runThrough(a.membership.consistency.readRepair(address, 'majority', 1_000))
    b.network.handle(readProtocol, () => new Promise(() => undefined))
    await expect(
      world.runThrough(a.membership.consistency.readRepair(address, 'majority', 1_000)),
    ).rejects.toMatchObject({
      code: 'NO_QUORUM',
    })
    await world.runThrough(c.membership.forget('b'))
    mesh.connect('a', 'c')
    await expect(
      world.runThrough(a.membership.consistency.readRepair(address, 'majority', 1_000)),
    ).rejects.toMatchObject({
      code: 'NO_QUORUM',
    })
    Object.defineProperty(a.replica.sync, 'isVerified', { get: () => false })
    await expect(
      world.runThrough(a.membership.consistency.readRepair(address, 'majority', 1_000)),
    ).rejects.toMatchObject({
      code: 'NOT_VERIFIED',
    })
  })

  it('asks whoever connects within the time, and again who did not count at first', async () => {
    const { world, mesh, a, b, c } = await lagging()
    await world.runThrough(a.put('key', 'new'))
    await world.runUntil(() => b.values('key')[0] === 'new')
    const reading = c.membership.consistency.readRepair(address, 'majority', 5_000)
    await world.runFor(1_500)
    mesh.connect('b', 'c')
    const startMs = world.elapsedMs
    await world.runThrough(reading)
    expect(world.elapsedMs - startMs).toBeLessThan(500)
    expect(c.values('key')).toEqual(['new'])

    // b does not count while its store is not verified.
    mesh.split(['a'], ['b', 'c'])
    Object.defineProperty(b.replica.sync, 'isVerified', { configurable: true, get: () => false })
    const again = c.membership.consistency.readRepair(address, 'majority', 5_000)
    await world.runFor(1_500)
    Reflect.deleteProperty(b.replica.sync, 'isVerified')
    await world.runThrough(again)
  })

  it('has no answer left over from another member list', async () => {
    const { world, mesh, a, b } = await lagging()
    // b has answered; then a learns of a fourth member, so that three of four are wanted.
    const reading = a.membership.consistency.readRepair(address, 'all', 3_000)
    await world.runFor(500)
    const value = encodeRecord({ name: 'name-d', peer: 'd', addresses: [], version: '' })
    await world.runThrough(
      a.replica.transact((transaction) => void transaction.put(memberAddress('d'), value, null, [])),
    )
    await world.runUntil(() => b.membership.records().length === 3)
    mesh.connect('a', 'c')
    await expect(world.runThrough(reading)).rejects.toMatchObject({ code: 'NO_QUORUM', details: { want: 4 } })
  })
})
