/** Builds the libp2p node: transport, private network, encryption, multiplexer, gossipsub, identify and mDNS. */
import '../polyfill.js'
import { createHash } from 'node:crypto'
import { type GossipSub, gossipsub } from '@chainsafe/libp2p-gossipsub'
import { privateKeyFromRaw } from '@libp2p/crypto/keys'
import { type Identify as IdentifyService, identify } from '@libp2p/identify'
import type { Connection, ConnectionGater, Libp2p, PeerDiscovery } from '@libp2p/interface'
import type { Registrar, TransportManager } from '@libp2p/interface-internal'
import { mdns } from '@libp2p/mdns'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { createLibp2p } from 'libp2p'
import type { PeerId } from '../../protocols/network.js'
import { ConnectionGuard } from './connection-guard.js'
import { gossipOptions } from './gossip-options.js'
import type { Identity } from './identity.js'
import * as limits from './limits.js'
import { libp2pLogger, type NetLog } from './log.js'
import { privateNetwork } from './private-network.js'

/** Dependencies of a host. */
export interface HostOptions {
  readonly identity: Identity
  /** 32 bytes; only holders of the same can connect. */
  readonly secret: Uint8Array
  /** Multiaddrs to listen on; none: dial only. */
  readonly listen: readonly string[]
  /** Multiaddrs announced to others instead of those listened on. */
  readonly announce: readonly string[]
  /** True if the host looks for the mesh on the local network. */
  readonly mdns: boolean
  readonly gater: ConnectionGater
  /** Called with a peer that mDNS found, at each of its announcements. */
  readonly discovered: (peer: PeerId, addresses: string[]) => void
  /** Called with a peer at all bytes that come from it, once it has proven its identity. */
  readonly heard: (peer: PeerId) => void
  readonly log: NetLog
}

/** A libp2p node and the parts of it that the adapter uses. */
export interface Host {
  readonly libp2p: Libp2p
  readonly gossip: GossipSub
  readonly identify: IdentifyService
  /** Dials addresses without libp2p's queue, which would try them one after the other. */
  readonly transports: TransportManager
  /** Sets what new streams of a protocol go through first. */
  readonly registrar: Registrar
}

interface Captured {
  transports?: TransportManager
  registrar?: Registrar
}

/** Builds a node that is not yet started. */
export async function createHost(options: HostOptions): Promise<Host> {
  const captured: Captured = {}
  const { identity } = options
  const guard = new ConnectionGuard(options.heard)
  const libp2p = await createLibp2p({
    privateKey: privateKeyFromRaw(Buffer.concat([identity.seed, identity.publicKey])),
    start: false,
    logger: libp2pLogger(options.log),
    nodeInfo: { name: 'hearsay', version: '1', userAgent: 'hearsay' },
    addresses: { listen: [...options.listen], announce: [...options.announce] },
    transports: [tcp({ maxConnections: limits.netConnectionsMax + limits.inboundPendingMax })],
    connectionProtector: privateNetwork(options.secret),
    connectionEncrypters: [guard.encrypter(noise({ prologueBytes: derive('noise prologue', options.secret) }))],
    streamMuxers: [
      guard.muxer(
        yamux({
          maxInboundStreams: limits.streamsPerConnectionMax,
          maxOutboundStreams: limits.streamsPerConnectionMax,
          streamOptions: {
            maxStreamWindowSize: limits.streamWindowBytesMax,
            // A paused stream keeps a window; one that is neither read nor paused is reset when it holds more.
            maxReadBufferLength: limits.streamWindowBytesMax,
          },
        }),
      ),
    ],
    connectionGater: options.gater,
    connectionMonitor: { enabled: false },
    connectionManager: {
      maxConnections: limits.netConnectionsMax,
      maxIncomingPendingConnections: limits.inboundPendingMax,
      inboundConnectionThreshold: limits.inboundPerSecondMax,
      inboundUpgradeTimeout: limits.inboundHandshakeMs,
      reconnectRetries: 0,
    },
    peerDiscovery: options.mdns ? [discovery(options)] : [],
    services: {
      identify: identify({ runOnConnectionOpen: false, timeout: limits.identifyTimeoutMs }),
      pubsub: gossipsub(gossipOptions()),
      capture: (components: { transportManager: TransportManager; registrar: Registrar }) => {
        captured.transports = components.transportManager
        captured.registrar = components.registrar
        return {}
      },
    },
  })
  const { transports, registrar } = captured
  if (transports === undefined || registrar === undefined)
    throw new Error('libp2p built no transport manager or registrar')
  return { libp2p, gossip: libp2p.services.pubsub, identify: libp2p.services.identify, transports, registrar }
}

/** Asks the peer of a connection for its identity; resolves with the addresses that it listens on. */
export async function identifyPeer(host: Host, connection: Connection, signal: AbortSignal): Promise<string[]> {
  const result = await host.identify.identify(connection, { signal })
  return result.listenAddrs.map((address) => address.toString())
}

/** Bytes that follow from the mesh secret and tell nothing about it; `purpose` separates uses. */
export function derive(purpose: string, secret: Uint8Array): Uint8Array {
  return new Uint8Array(createHash('sha256').update(`hearsay/1 ${purpose}\n`).update(secret).digest())
}

/** The mDNS service name of a mesh: nodes of different meshes on one network do not notice each other. */
export function meshServiceTag(secret: Uint8Array): string {
  return `_hearsay-${Buffer.from(derive('mdns', secret)).toString('hex').slice(0, 16)}._udp.local`
}

/** mDNS that reports every announcement; libp2p itself reports a peer only once. */
function discovery(options: HostOptions): (components: Parameters<ReturnType<typeof mdns>>[0]) => PeerDiscovery {
  const build = mdns({ serviceTag: meshServiceTag(options.secret), interval: limits.mdnsIntervalMs })
  return (components) => {
    const service = build(components)
    service.addEventListener('peer', ({ detail }) => {
      const addresses = detail.multiaddrs.map((address) => address.toString())
      options.discovered(detail.id.toString(), addresses)
    })
    return service
  }
}
