/** Nodes with gossip and membership on real replicas, in virtual time. */
import { Gossip } from '../../protocols/gossip/service.js'
import { Membership } from '../../protocols/membership/service.js'
import type { MembershipOptions } from '../../protocols/membership/types.js'
import { type BareNode, type BareOptions, openBareNode } from './mesh-nodes.js'
import type { LinkQuality } from './network/links.js'
import { FakeMesh } from './network/mesh.js'
import { VirtualWorld } from './virtual-environment.js'

/** One node, with what it was told. */
export interface MemberNode extends BareNode {
  readonly gossip: Gossip
  readonly membership: Membership
  readonly silent: string[]
  readonly errors: string[]
  stop(): Promise<void>
}

/** Opens and starts one node. Its gossip is repaired by nobody: tests that lose some must bring it by other means. */
export async function openMember(
  mesh: FakeMesh,
  peer: string,
  options: Partial<MembershipOptions> & BareOptions = {},
): Promise<MemberNode> {
  const node = await openBareNode(mesh, peer, options)
  const silent: string[] = []
  const errors: string[] = []
  const membership = new Membership({
    network: node.network,
    environment: node.environment,
    replica: node.replica,
    name: `name-${peer}`,
    version: '0.1.0',
    addresses: () => [`/ip4/10.0.0.1/tcp/7400/p2p/${peer}`],
    onSilent: (other) => silent.push(other),
    onError: (what, error) => errors.push(`${what}: ${String(error)}`),
    ...options,
  })
  const gossip = new Gossip({
    ...node,
    peerOf: (tag) => membership.peerOf(tag),
    wantsEarlyAcknowledgement: () => membership.consistency.wantsAcknowledgements,
    onEarlyAcknowledgementWanted: () => membership.acknowledgeEarly(),
  })
  node.listeners.push(
    (commit) => membership.committed(commit),
    (commit) => gossip.committed(commit),
  )
  gossip.start()
  await mesh.world.runThrough(membership.start())
  const stop = async () => {
    await gossip.stop()
    await membership.stop()
  }
  return { ...node, gossip, membership, silent, errors, stop }
}

/** Opens so many nodes, connected to each other, that know each other as members. */
export async function openMembers(peers: readonly string[], links: Partial<LinkQuality> = {}, seed = 11) {
  const world = new VirtualWorld(seed)
  const mesh = new FakeMesh(world, links)
  const nodes: MemberNode[] = []
  for (const peer of peers) nodes.push(await openMember(mesh, peer))
  mesh.connectAll(peers)
  await world.runUntil(() => nodes.every((node) => node.membership.records().length === peers.length - 1), {
    limitMs: 5_000,
    what: 'all know all',
  })
  return { world, mesh, nodes }
}

/**
 * The members a, b and c in a line: two pairs are connected, and the third pair hears of each other by way of the one
 * between.
 */
export async function openLine(...pairs: readonly (readonly [string, string])[]) {
  const world = new VirtualWorld(3)
  const mesh = new FakeMesh(world)
  const nodes = (await openEach(mesh, ['a', 'b', 'c'])) as [MemberNode, MemberNode, MemberNode]
  for (const [one, other] of pairs) mesh.connect(one, other)
  await world.runUntil(() => nodes.every((node) => node.membership.records().length === 2))
  return { world, mesh, nodes }
}

/** Members of a mesh, opened one after the other; nobody is connected. */
export async function openEach(mesh: FakeMesh, peers: readonly string[]): Promise<MemberNode[]> {
  const nodes: MemberNode[] = []
  for (const peer of peers) nodes.push(await openMember(mesh, peer))
  return nodes
}
