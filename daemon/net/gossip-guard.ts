/** Bounds what a neighbour can make gossipsub do with one frame, where gossipsub itself has no limit for it. */
import type { GossipSub } from '@chainsafe/libp2p-gossipsub'
import type { NetCounters } from './counters.js'
import { isDecodable } from './gossip-frame.js'
import { gossipAnswerBytesMax } from './limits.js'

interface Answer {
  readonly data?: Uint8Array
}

/** The methods of gossipsub that it keeps to itself. */
interface GossipMethods {
  decodeRpc(bytes: Uint8Array): unknown
  handleIWant(peer: string, wanted: unknown): Answer[]
}

/** Puts the bounds into a gossipsub. Call it once for each, before it starts. */
export function guardGossip(gossip: GossipSub, counters: NetCounters): void {
  // Private in its types; a version that names them otherwise must not go unguarded.
  const methods = gossip as unknown as GossipMethods
  const decode = methods.decodeRpc.bind(gossip)
  const answer = methods.handleIWant.bind(gossip)
  methods.decodeRpc = (bytes) => {
    if (isDecodable(bytes)) return decode(bytes)
    counters.gossipRejected++
    throw new Error('a gossip frame is malformed or has too many fields')
  }
  methods.handleIWant = (peer, wanted) => upTo(answer(peer, wanted), gossipAnswerBytesMax)
}

/**
 * The first messages, as many as fit into so many bytes, and at least one. An answer goes into one frame, which its
 * reader bounds.
 */
function upTo(messages: readonly Answer[], bytesMax: number): Answer[] {
  let bytes = 0
  return messages.filter(({ data }, index) => {
    bytes += data?.length ?? 0
    return index === 0 || bytes <= bytesMax
  })
}
