/** Records the acknowledgements that heartbeats carry: a member's own, and those that others relay. */
import { Context } from '../../store/model/context.js'
import type { Network, PeerId } from '../network.js'
import type { AckTable } from './core/acks.js'
import type { Directory } from './core/directory.js'
import type { Beat } from './core/reader.js'
import type { Relay } from './messages.js'
import type { Neighbour } from './neighbour.js'

/** Records what a neighbour says of itself. `nowMs` is monotonic. */
export function recordHeartbeat(acks: AckTable, neighbour: Neighbour, beat: Beat, nowMs: number): void {
  const { heartbeat, isVerified, list, state } = beat
  const { tag } = neighbour
  if (heartbeat.epoch !== null) {
    const known = acks.get(tag).epoch
    if (known > heartbeat.epoch) neighbour.knownEpoch = known
    acks.restart(tag, heartbeat.epoch)
  }
  acks.update(tag, heartbeat.acknowledged)
  acks.observe(tag, { list: hex(list), isVerified, state: state?.digest ?? null, takenAtMs: nowMs, by: null })
}

/** Records what a neighbour relays of others, except of members that are connected: those speak for themselves. */
export function recordRelays(
  mesh: { readonly acks: AckTable; readonly directory: Directory; readonly network: Network },
  neighbourOf: (peer: PeerId) => Neighbour | undefined,
  from: Neighbour,
  beat: Beat,
  nowMs: number,
): void {
  const { acks, directory, network } = mesh
  for (const relay of beat.heartbeat.relays) {
    const peer = directory.peerOf(relay.member)
    if (peer === undefined || peer === network.self || !directory.isMember(peer) || beat.state === undefined) continue
    const direct = neighbourOf(peer)
    if (direct?.beat === undefined) recordRelay(acks, from, beat, relay, nowMs)
    // It must learn of a greater epoch that others still hold.
    else if (relay.epoch > acks.get(relay.member).epoch) direct.knownEpoch = relay.epoch
  }
}

function recordRelay(
  acks: AckTable,
  from: Neighbour,
  { state: shown, ownContext }: Beat,
  relay: Relay,
  nowMs: number,
): void {
  const { member, epoch, acknowledged, isVerified } = relay
  // The same as the sender's own when it wrote this; a sync session may have shown more of the sender since.
  if (acknowledged === 'same') acks.applyRelay(member, epoch, ownContext)
  else if (acknowledged !== null) {
    acks.applyRelay(member, epoch, new Context(new Map(acknowledged.map(({ actor, ranges }) => [actor, ranges]))))
  }
  const state = relay.state === 'same' ? (shown?.digest ?? null) : hex(relay.state)
  const takenAtMs = nowMs - relay.ageMs
  acks.observe(member, {
    list: hex(relay.list),
    isVerified,
    state: isVerified ? state : null,
    takenAtMs,
    by: from.peer,
  })
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
