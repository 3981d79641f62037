/** Settings of gossipsub for a small private mesh. */
import { createHash } from 'node:crypto'
import type { GossipsubOpts } from '@chainsafe/libp2p-gossipsub'
import * as limits from './limits.js'

/** The gossip topic; versioned like a protocol. */
export const gossipTopic = '/hearsay/gossip/2'

const messageIdBytes = 20

/**
 * Messages are unsigned (every connection is already authenticated, and signing costs more than all else) and named by
 * the hash of their bytes. What is published here goes to every neighbour at once, so that forwarding only has to
 * bridge lost links. Peers share addresses on one machine and are all trusted, so scores are off.
 */
export function gossipOptions(): Partial<GossipsubOpts> {
  return {
    globalSignaturePolicy: 'StrictNoSign',
    msgIdFn: (message) => createHash('sha256').update(message.data).digest().subarray(0, messageIdBytes),
    msgIdToStrFn: (id) => Buffer.from(id.buffer, id.byteOffset, id.byteLength).toString('latin1'),
    allowPublishToZeroTopicPeers: true,
    ignoreDuplicatePublishError: true,
    emitSelf: false,
    floodPublish: true,
    fallbackToFloodsub: false,
    doPX: false,
    tagMeshPeers: false,
    awaitRpcHandler: true,
    D: 4,
    Dlo: 3,
    Dhi: 6,
    Dscore: 1,
    Dout: 1,
    Dlazy: 4,
    allowedTopics: [gossipTopic],
    maxInboundStreams: 4,
    maxOutboundStreams: 4,
    maxInboundDataLength: limits.gossipFrameBytesMax,
    decodeRpcLimits: {
      maxSubscriptions: 64,
      maxMessages: limits.gossipMessagesMax,
      maxIhaveMessageIDs: limits.gossipIdsMax,
      maxIwantMessageIDs: limits.gossipIdsMax,
      maxIdontwantMessageIDs: limits.gossipIdsMax,
      maxControlMessages: limits.gossipControlsMax,
      maxPeerInfos: 16,
    },
    scoreParams: { IPColocationFactorWeight: 0, behaviourPenaltyWeight: 0, appSpecificWeight: 0, topics: {} },
  }
}
