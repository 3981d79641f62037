/** Gathers the facts of a running node, and has them judged. */
import { statfs } from 'node:fs/promises'
import type { Finding } from '../../protocols/api/doctor.js'
import { HearsayError } from '../../store/errors.js'
import type { ApiServices } from '../http/services.js'
import type { DiskSpace, Facts } from './facts.js'
import { findingsOf, sortedByLevel } from './judge.js'
import { memberFindings } from './members.js'
import type { AddressTries } from './tries.js'

/** Parts of the daemon that the doctor asks. */
export type Examined = Pick<ApiServices, 'node' | 'mesh' | 'config' | 'nowMs'>

/** Findings about the node, or about one member, by its name or id. Rejects with NOT_FOUND. */
export async function examine(services: Examined, tries: AddressTries, nameOrPeer?: string): Promise<Finding[]> {
  if (nameOrPeer === undefined) return findingsOf(await factsOf(services, tries))
  const known = services.mesh.members().some(({ name, peer }) => name === nameOrPeer || peer === nameOrPeer)
  if (!known) throw new HearsayError('NOT_FOUND', `there is no member ${nameOrPeer}`)
  const facts = await factsOf(services, undefined)
  const asked = facts.members.filter(({ name, peer }) => name === nameOrPeer || peer === nameOrPeer)
  return sortedByLevel(asked.flatMap((member) => memberFindings(member, facts)))
}

/** `tries`: tries this node's addresses; undefined where they are not asked about. */
async function factsOf({ node, mesh, config, nowMs }: Examined, tries: AddressTries | undefined): Promise<Facts> {
  const { settings } = config
  const obstacle = node.obstacle()
  const addresses = mesh.addresses()
  const [conflicts, disk, unanswered] = await Promise.all([
    // An index over a store that fails cannot be asked.
    node.countConflicts().catch(() => 0),
    diskSpace(settings.data),
    tries?.silentOf(addresses, nowMs()) ?? [],
  ])
  const { count, dots } = node.clashes()
  return {
    nowMs: nowMs(),
    name: mesh.name,
    version: node.version,
    store: {
      isVerified: node.isVerified(),
      obstacle: obstacle === undefined ? null : { code: obstacle.code, message: obstacle.message },
      unverifiedReason: node.unverifiedReason(),
      progress: node.verification(),
      entries: node.entries(),
    },
    disk,
    log: { bytes: node.logBytes(), maxBytes: settings['log.maxBytes'], maxAgeMs: settings['log.maxAge'] },
    notices: [...node.notices(), ...mesh.notices()],
    clashes: { count, dots: dots.map(({ dot, member }) => ({ dot, member: mesh.nameOf(member) })) },
    conflicts,
    members: mesh.members().map((member) => ({ ...member, sync: mesh.syncCondition(member.peer) })),
    syncIntervalMs: settings['sync.interval'],
    network: {
      isUp: addresses.length > 0 || node.isSyncing(),
      addresses,
      unanswered,
      isMdnsOn: settings.mdns,
    },
  }
}

/** Space of the disk of a directory. */
export async function diskSpace(directory: string): Promise<DiskSpace> {
  try {
    const { bavail, blocks, bsize } = await statfs(directory)
    return { freeBytes: bavail * bsize, totalBytes: blocks * bsize }
  } catch (error) {
    return { reason: (error as Error).message }
  }
}
