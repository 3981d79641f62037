/** Acknowledgements of the members, kept on disk across restarts: the update log waits for them. */
import { rangeOf } from '../keyspace.js'
import type { MemberTag } from '../model/codec.js'
import type { Context } from '../model/context.js'
import {
  acknowledgementKey,
  acknowledgementMember,
  decodeAcknowledgement,
  encodeAcknowledgement,
} from '../rows/acknowledgements.js'
import { DamagedRow } from '../rows/seal.js'
import type { ReplicaCore } from './core.js'
import type { UpdateLog } from './log.js'

/** The acknowledgements of one store. */
export class KeptAcknowledgements {
  readonly #core: ReplicaCore
  readonly #log: UpdateLog

  constructor(core: ReplicaCore, log: UpdateLog) {
    this.#core = core
    this.#log = log
  }

  /** Reads those of all members; unreadable ones are left out (the member will tell again). */
  async load(): Promise<Map<MemberTag, Context>> {
    const loaded = new Map<MemberTag, Context>()
    for await (const rows of this.#core.store.scan(rangeOf('acknowledgement'))) {
      for (const { key, value } of rows) {
        try {
          const row = decodeAcknowledgement(key, value)
          const member = acknowledgementMember(key)
          loaded.set(member, row.acknowledged)
          if (row.behindSinceMs !== 0) this.#log.wasBehind(member, row.behindSinceMs)
        } catch (error) {
          if (!(error instanceof DamagedRow)) throw error
        }
      }
    }
    return loaded
  }

  /** Keeps what a member acknowledged; null forgets it. Rejects with STORE_FAILED. */
  async save(member: MemberTag, acknowledged: Context | null): Promise<void> {
    const key = acknowledgementKey(member)
    const behindSinceMs = this.#log.behindSinceMs(member) ?? 0
    await this.#core.submit((batch) => {
      if (acknowledged === null) return batch.set(key, null)
      batch.set(key, encodeAcknowledgement(key, { acknowledged, behindSinceMs }))
    })
  }
}
