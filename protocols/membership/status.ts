/** Status rows and warnings of members. */
import { median } from '../../store/model/clock.js'
import type { Context } from '../../store/model/context.js'
import { clockBoundMsDefault } from '../../store/model/limits.js'
import type { Notice } from '../../store/replica/warnings.js'
import type { PeerId } from '../network.js'
import type { AckTable } from './core/acks.js'
import type { Directory } from './core/directory.js'
import { differingPrefixes, type RuleMark } from './core/rules.js'
import type { Heartbeats } from './heartbeats.js'
import { clockHeardMs, fullMeshNodesMax, rulesNamedMax } from './limits.js'
import type { Records } from './records.js'
import type { Sightings } from './sightings.js'
import type { MemberStatus, MembershipOptions } from './types.js'
import type { Waiting } from './waiting.js'

/** Parts from which a status row is made. */
export interface StatusContext {
  readonly options: MembershipOptions
  readonly directory: Directory
  readonly acks: AckTable
  readonly heartbeats: Heartbeats
  readonly waiting: Waiting
  readonly sightings: Sightings
  /** Context of what has been applied here. */
  readonly applied: Context
  /** The digest of the own state; undefined while the store is not verified. */
  readonly digest: string | undefined
  readonly connected: ReadonlySet<PeerId>
}

/** The row of one member. */
export function statusOf(peer: PeerId, context: StatusContext): MemberStatus {
  const { acks, applied, connected, digest, directory, heartbeats, options, sightings } = context
  const tag = directory.tagOf(peer)
  const record = directory.record(peer)
  const acknowledgement = acks.get(tag)
  const isConnected = connected.has(peer)
  const { seenMs, equalMs } = sightings.of(peer)
  const offsetMs = heartbeats.clockOffsets(clockHeardMs).get(peer)
  return {
    name: directory.name(peer),
    peer,
    connected: isConnected,
    blocked: options.isBlocked?.(peer) ?? false,
    converged: digest !== undefined && shownState(peer, context) === digest,
    behind: applied.minus(acknowledgement.context).size,
    ahead: acknowledgement.context.minus(applied).size,
    lastSeenMs: seenMs,
    lastEqualMs: equalMs,
    hints: options.replica.log.hint(tag),
    addresses: record?.addresses ?? [],
    version: record?.version ?? '',
    clockOffsetMs: offsetMs === undefined ? null : Math.round(offsetMs),
  }
}

/** The order in which members are shown: by name, then peer id. */
export function byName(a: MemberStatus, b: MemberStatus): number {
  if (a.name !== b.name) return a.name < b.name ? -1 : 1
  return a.peer < b.peer ? -1 : 1
}

/**
 * The state that the latest heartbeat showed. In a large mesh it may have been relayed; an absent member shows none.
 */
function shownState(
  peer: PeerId,
  { acks, connected, directory, heartbeats, waiting }: StatusContext,
): string | undefined {
  if (connected.has(peer)) return heartbeats.latest(peer)?.state?.digest
  const isRelayed = directory.peers().length > fullMeshNodesMax && waiting.isReachable(peer)
  return isRelayed ? (acks.get(directory.tagOf(peer)).state ?? undefined) : undefined
}

/** Warnings about the mesh for the operator, with their matters. */
export function noticesOf(
  options: MembershipOptions,
  directory: Directory,
  heartbeats: Heartbeats,
  rivalry: Records['rivalry'],
): Notice[] {
  const { clockBoundMs = clockBoundMsDefault, network } = options
  const texts: Readonly<Record<string, readonly string[]>> = {
    clock: clockWarnings(directory, heartbeats, clockBoundMs),
    'future-times': futureWarnings(options, directory),
    names: nameWarnings(directory),
    rules: ruleWarnings(options.rules ?? [], directory),
    rival:
      rivalry === undefined
        ? []
        : [`another node uses the peer id of this one (a copied data directory?); ${remedies[rivalry]}`],
    forgotten: directory.isForgotten(network.self)
      ? ['this node was forgotten by the mesh, whose members refuse it; join again with a new data directory']
      : [],
  }
  return Object.entries(texts).flatMap(([about, list]) => list.map((text) => ({ about, text })))
}

function nameWarnings(directory: Directory): string[] {
  return [...directory.doubleNames()].map(
    ([name, peers]) => `several members are called ${name} (${peers.join(', ')}); give one of them another name`,
  )
}

/** Warns of clocks that are far off: the own one against the median of several others, else each against ours. */
function clockWarnings(directory: Directory, heartbeats: Heartbeats, clockBoundMs: number): string[] {
  const offsets = [...heartbeats.clockOffsets(clockHeardMs)].filter(([peer]) => !directory.isForgotten(peer))
  const medianMs = median(offsets.map(([, offsetMs]) => offsetMs)) ?? 0
  const isOurs = offsets.length > 1 && Math.abs(medianMs) > clockBoundMs
  const right = isOurs ? medianMs : 0
  const theirs = offsets
    .filter(([, offsetMs]) => Math.abs(offsetMs - right) > clockBoundMs)
    .map(([peer, offsetMs]) => {
      const against = isOurs ? "the members' median" : 'ours'
      return `the clock of ${directory.name(peer)} is ${awayText(offsetMs - right)} ${against}; check the time service of both machines`
    })
  if (!isOurs) return theirs
  const own = `the clock of this node is ${awayText(-medianMs)} the median of the members' clocks; check the time service of this machine`
  return [own, ...theirs]
}

function awayText(offsetMs: number): string {
  return `${Math.round(Math.abs(offsetMs) / 1000)} s ${offsetMs > 0 ? 'ahead of' : 'behind'}`
}

/** Warns of updates whose times are far in the future: only their place in the order is wrong. */
function futureWarnings({ replica }: MembershipOptions, directory: Directory): string[] {
  return replica.clock.futureTimes().map(({ member, updates, aheadMs }) => {
    const peer = directory.peerOf(member)
    const name = peer === undefined ? member : directory.name(peer)
    const aheadText = `up to ${Math.round(aheadMs / 1000)} s in the future`
    const what = updates === 1 ? `an update of ${name} has a time` : `${updates} updates of ${name} have times`
    return `${what} ${aheadText}; until then they are shown below all others; the clock of ${name} was wrong`
  })
}

/**
 * Warns of members that settle conflicts by other rules than this node: then the two show different values of one key.
 */
function ruleWarnings(rules: readonly RuleMark[], directory: Directory): string[] {
  const warnings: string[] = []
  for (const { peer, rules: theirs = [] } of directory.others()) {
    const prefixes = differingPrefixes(rules, theirs)
    if (prefixes.length === 0) continue
    const named = prefixes.slice(0, rulesNamedMax).map((prefix) => `'${prefix}'`)
    const more = prefixes.length > rulesNamedMax ? ` and ${prefixes.length - rulesNamedMax} more` : ''
    warnings.push(
      `${directory.name(peer)} resolves ${named.join(', ')}${more} by another rule: the two show different values of a key in conflict; give both the same resolvers, and the same modules`,
    )
  }
  if (warnings.length <= rulesNamedMax) return warnings
  return [
    ...warnings.slice(0, rulesNamedMax),
    `${warnings.length - rulesNamedMax} more members resolve conflicts by other rules`,
  ]
}

/** Remedies for another node with this node's peer id. */
const remedies = {
  theyGiveWay: 'it takes a new peer id by itself',
  weGiveWay: 'this node takes a new peer id by itself',
  contested: 'stop one of the two and restore it',
} as const
