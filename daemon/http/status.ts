/** The status of a node as the API shows it. */
import type { Status } from '../../protocols/api/mesh.js'
import { memberJson } from './render.js'
import type { ApiServices } from './services.js'

/** Reads the status now. */
export async function statusJson({ mesh, node }: Pick<ApiServices, 'mesh' | 'node'>): Promise<Status> {
  return {
    node: mesh.name,
    peer: mesh.peer,
    actor: node.actor(),
    version: node.version,
    entries: node.entries(),
    root: node.root(),
    context: node.contextDigest(),
    conflicts: await node.countConflicts(),
    log: { bytes: node.logBytes() },
    verified: node.isVerified(),
    verification: node.verification(),
    addresses: mesh.addresses(),
    blocked: mesh.blocked(),
    warnings: [...node.warnings(), ...mesh.warnings()],
    members: mesh.members().map(memberJson),
  }
}
