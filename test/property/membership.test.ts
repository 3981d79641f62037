/**
 * Heartbeats and acknowledgements under losses, cuts and reopened channels: nothing is acknowledged that was not
 * applied.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { AckTable } from '../../protocols/membership/core/acks.js'
import { ChangeLog } from '../../protocols/membership/core/changes.js'
import { HeartbeatReader } from '../../protocols/membership/core/reader.js'
import { HeartbeatWriter, type LocalView } from '../../protocols/membership/core/writer.js'
import { decodeHeartbeat, encodeHeartbeat } from '../../protocols/membership/messages.js'
import { Context } from '../../store/model/context.js'
import { amount } from '../support/effort.js'
import { openMembers } from '../support/member-nodes.js'

const member = 'aaaaaaaaaaaaaaaa'
const actors = ['0000000000000001', '0000000000000002', '0000000000000003']

/** One step of a sender's life. */
const step = fc.oneof(
  fc.record({
    act: fc.constant('add' as const),
    actor: fc.constantFrom(...actors),
    counter: fc.integer({ min: 1, max: 12 }),
  }),
  fc.record({ act: fc.constant('lose' as const), actor: fc.constantFrom(...actors), keep: fc.nat(6) }),
  fc.record({ act: fc.constantFrom('beat' as const, 'reopen' as const, 'unverified' as const) }),
)

describe('heartbeats', () => {
  it('convey the applied context exactly, through gaps, losses under a new epoch, reopened channels and doubts', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const context = new Context()
        const applied = new ChangeLog(context.clone(), 2)
        const table = new AckTable()
        let epoch = 1
        let writer = new HeartbeatWriter('peer', 0)
        let reader = new HeartbeatReader()
        const beat = (isVerified: boolean) => {
          applied.advance(context.clone())
          const view: LocalView = {
            isVerified,
            root: new Uint8Array(16),
            contexts: new Uint8Array(16),
            state: new Uint8Array(8),
            list: new Uint8Array(8),
            epoch,
            applied,
            neighbours: [member],
            wallMs: 1,
            monotonicMs: 1,
          }
          const options = { wantsEarlyAcks: false, asks: false, echo: null, knownEpoch: null, relays: [] }
          const { heartbeat } = reader.read(decodeHeartbeat(encodeHeartbeat(writer.next(view, options))))
          if (heartbeat.epoch !== null) table.restart(member, heartbeat.epoch)
          table.update(member, heartbeat.acknowledged)
        }
        for (const one of steps) {
          if (one.act === 'add') context.addRange(one.actor, one.counter, one.counter)
          else if (one.act === 'lose') {
            context.setRanges(one.actor, one.keep === 0 ? [] : [1, one.keep])
            epoch++
          } else if (one.act === 'reopen') {
            writer = new HeartbeatWriter('peer', writer.nonce)
            reader = new HeartbeatReader()
          } else beat(one.act === 'beat')
        }
        beat(true)
        expect(table.get(member).context.equals(context)).toBe(true)
      }),
      { numRuns: amount(200, 500) },
    )
  })
})

describe('a mesh under cuts', () => {
  it('never acknowledges what was not applied, and shows all equal at rest', async () => {
    const act = fc.oneof(
      fc.record({ act: fc.constant('put' as const), node: fc.nat(3), key: fc.nat(3) }),
      fc.record({ act: fc.constantFrom('cut' as const, 'heal' as const), node: fc.nat(3), other: fc.nat(3) }),
      fc.record({ act: fc.constant('pass' as const), ms: fc.integer({ min: 1, max: 3_000 }) }),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(act, { maxLength: 25 }), fc.nat(1_000), async (acts, seed) => {
        const peers = ['a', 'b', 'c', 'd']
        const { world, mesh, nodes } = await openMembers(peers, { jitterMs: 15 }, seed)
        const assertTrue = () => {
          for (const node of nodes) {
            for (const other of nodes) {
              if (node === other) continue
              for (const dot of other.replica.sync.capture().seen.minus(other.replica.sync.capture().applied).dots()) {
                expect(node.membership.consistency.knownHolders(dot)).not.toContain(`name-${other.peer}`)
              }
              for (const dot of node.replica.sync
                .capture()
                .applied.minus(other.replica.sync.capture().applied)
                .dots()) {
                expect(node.membership.consistency.knownHolders(dot)).not.toContain(`name-${other.peer}`)
              }
            }
          }
        }
        for (const one of acts) {
          if (one.act === 'put') await world.runThrough(nodes[one.node]!.put(`key-${one.key}`, 'x'))
          else if (one.act === 'pass') await world.runFor(one.ms)
          else if (one.act === 'cut') mesh.disconnect(peers[one.node]!, peers[one.other]!)
          else mesh.connect(peers[one.node]!, peers[one.other]!)
          assertTrue()
        }
        mesh.connectAll(peers)
        // Sync's part: everything goes everywhere.
        for (const from of nodes) {
          for (const to of nodes) {
            const missing = from.replica.sync.capture().applied.minus(to.replica.sync.capture().applied)
            const { updates } = await world.runThrough(from.replica.sync.readMissing(missing, 1 << 20))
            const members = new Map(updates.map(({ dot }) => [dot.actor, from.replica.memberOf(dot.actor)]))
            await world.runThrough(to.replica.sync.applyUpdates({ updates: [...updates], members }))
          }
        }
        const equal = () =>
          nodes.every((node) =>
            node.membership.members().every(({ converged, behind, ahead }) => converged && behind + ahead === 0),
          )
        await world.runUntil(equal, { limitMs: 5_000, what: 'all show all as equal' })
        const waits = nodes.map((node) => node.membership.consistency.wait({ converged: true, timeoutMs: 1_000 }))
        expect((await world.runThrough(Promise.all(waits))).map(({ isTrue }) => isTrue)).toEqual([
          true,
          true,
          true,
          true,
        ])
        expect(nodes.flatMap((node) => node.silent)).toEqual([])
      }),
      { numRuns: amount(10, 25) },
    )
  })
})
