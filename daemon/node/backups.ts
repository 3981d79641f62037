/** Backups of a running node: the content of the store, with the identity and the mesh secret that go with it. */
import { assertSound, takeBackup } from '../../store/backup/reading.js'
import type { Log } from '../log/log.js'
import type { Identity } from '../net/identity.js'
import type { Backups } from '../views/data-view.js'
import type { StoredNode } from './stored-node.js'

/** Dependencies of backups. */
export interface NodeBackupsOptions {
  readonly node: StoredNode
  readonly identity: Identity
  /** The mesh secret and the name that hold at the moment of the call. */
  readonly mesh: { readonly name: string; readonly secret: Uint8Array }
  readonly log: Log
  nowMs(): number
}

/** Takes backups of one node. */
export class NodeBackups implements Backups {
  readonly #options: NodeBackupsOptions

  constructor(options: NodeBackupsOptions) {
    this.#options = options
  }

  take(): AsyncGenerator<Buffer> {
    const { node, identity, mesh, log, nowMs } = this.#options
    assertSound(node.replica)
    const origin = {
      takenAtMs: nowMs(),
      software: node.version,
      node: mesh.name,
      peer: identity.peer,
      keys: { seed: identity.seed, secret: mesh.secret },
    }
    return takeBackup(node.replica, origin, (err) =>
      log.error({ event: 'backupFailed', err }, 'a backup was interrupted'),
    )
  }
}
