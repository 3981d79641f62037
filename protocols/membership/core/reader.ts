/** The receiving side of one heartbeat channel: puts together what the sender left out because it had not changed. */
import { DecodeError } from '../../../store/model/bytes.js'
import { Context } from '../../../store/model/context.js'
import type { Heartbeat } from '../messages.js'
import { stateDigest } from './digest.js'

/** A heartbeat with everything in it. */
export interface Beat {
  readonly isVerified: boolean
  /** Undefined while the sender is not verified. */
  readonly state: HeartbeatState | undefined
  /** The digest of the sender's member list. */
  readonly list: Uint8Array
  /** The sender's own applied context as received on this channel, up to this heartbeat and no further. */
  readonly ownContext: Context
  readonly heartbeat: Heartbeat
}

/** The state that a heartbeat shows. */
export interface HeartbeatState {
  readonly root: Uint8Array
  readonly contexts: Uint8Array
  /** The digest of both, as hexadecimal digits. */
  readonly digest: string
}

/** Reads the heartbeats of one channel, in order. */
export class HeartbeatReader {
  #nonce: number | undefined
  #shown: HeartbeatState | undefined
  #list: Uint8Array | undefined
  #hasEpoch = false
  #acknowledged = new Context()

  /** Takes the next heartbeat. Throws a DecodeError when the sender left out what it never sent. */
  read(heartbeat: Heartbeat): Beat {
    const { nonce, isVerified, state, list, epoch } = heartbeat
    if (this.#nonce !== undefined && nonce !== this.#nonce + 1) throw new DecodeError('heartbeats out of order')
    this.#nonce = nonce
    this.#list = list ?? this.#list
    if (this.#list === undefined) throw new DecodeError('a first heartbeat without a member list')
    this.#apply(heartbeat)
    const ownContext = this.#acknowledged.clone()
    if (!isVerified) {
      this.#shown = undefined
      this.#hasEpoch = false
      return { isVerified, state: undefined, list: this.#list, ownContext, heartbeat }
    }
    this.#hasEpoch ||= epoch !== null
    if (state !== null) this.#shown = shown(state)
    if (this.#shown === undefined || !this.#hasEpoch) throw new DecodeError('a first heartbeat without a state')
    return { isVerified, state: this.#shown, list: this.#list, ownContext, heartbeat }
  }

  /** Applies the changes of the sender's context; under another epoch it starts again. */
  #apply({ epoch, acknowledged }: Heartbeat): void {
    if (epoch !== null) this.#acknowledged = new Context()
    for (const { actor, ranges } of acknowledged) this.#acknowledged.setRanges(actor, ranges)
  }
}

function shown({ root, contexts }: { root: Uint8Array; contexts: Uint8Array }): HeartbeatState {
  return { root, contexts, digest: stateDigest(root, contexts).toString('hex') }
}
