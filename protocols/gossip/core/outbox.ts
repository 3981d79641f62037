/** Local writes on their way out: whole groups, coalesced into messages; a group that fits no message is announced. */
import { digestBytes } from '../../../store/model/digest.js'
import { tableActorBytes, tableDotBytesMax, updateBytesBound } from '../../../store/model/sizes.js'
import type { Update } from '../../../store/model/update.js'
import { announcedDotsAim, fetchBytesAim } from '../limits.js'
import { type AnnouncedUpdate, announced, announcedBytes } from '../messages.js'

/** One atomic write. */
export type Group = readonly Update[]

/** Returns what to publish next. */
export type Outgoing =
  | { readonly kind: 'updates'; readonly groups: readonly Group[] }
  | { readonly kind: 'announcement'; readonly updates: readonly AnnouncedUpdate[] }

// Version, flags, and the counts of actors and updates.
const headBytes = 16
// A dot, the size of its value, and the hash of it.
const announcedBytesMax = tableDotBytesMax + 5 + digestBytes

/** Bytes that a group takes in a message, never less than it really does. */
export function groupBytesBound(group: Group): number {
  return group.reduce((sum, update) => sum + updateBytesBound(update), actorsBytes(group))
}

/** Nearly always one actor; two where the id of a run ended in the middle of a write. */
function actorsBytes(group: Group): number {
  return tableActorBytes * new Set(group.map(({ dot }) => dot.actor)).size
}

interface Waiting {
  readonly outgoing: Outgoing
  /** Bytes of a message, at most. */
  readonly bytes: number
}

/** A bounded queue of groups. */
export class Outbox {
  readonly #messageBytesMax: number
  readonly #bytesMax: number
  #waiting: Waiting[] = []
  #bytes = 0

  /** `messageBytesMax`: bytes of one message; `bytesMax`: bytes that may wait. */
  constructor(messageBytesMax: number, bytesMax: number) {
    this.#messageBytesMax = messageBytesMax
    this.#bytesMax = bytesMax
  }

  /** True if nothing waits. */
  get isEmpty(): boolean {
    return this.#waiting.length === 0
  }

  /** Takes a group. Returns false, and leaves it to sync, when it cannot even be announced or too much waits. */
  add(group: Group): boolean {
    if (group.length === 0) return true
    const waiting = this.#prepare(group)
    if (waiting === undefined || this.#bytes + waiting.bytes > this.#bytesMax) return false
    this.#bytes += waiting.bytes
    this.#waiting.push(waiting)
    return true
  }

  /**
   * Takes what is to be published next: as many whole groups as one message holds, in the order in which they were
   * written.
   */
  take(): Outgoing | undefined {
    const first = this.#waiting[0]
    if (first === undefined) return undefined
    if (first.outgoing.kind === 'announcement') {
      this.#bytes -= first.bytes
      return this.#waiting.shift()!.outgoing
    }
    const groups: Group[] = []
    let bytes = 0
    for (const { outgoing, bytes: more } of this.#waiting) {
      if (outgoing.kind !== 'updates' || !this.#fits(bytes + more)) break
      bytes += more
      groups.push(...outgoing.groups)
    }
    this.#bytes -= bytes
    this.#waiting.splice(0, groups.length)
    return { kind: 'updates', groups }
  }

  /** A group that is too large for a message waits without its values. */
  #prepare(group: Group): Waiting | undefined {
    const bytes = groupBytesBound(group)
    if (this.#fits(bytes)) return { outgoing: { kind: 'updates', groups: [group] }, bytes }
    if (group.length > announcedDotsAim) return undefined
    const updates = group.map(announced)
    const announcementBytes = actorsBytes(group) + updates.length * announcedBytesMax
    const isTooLarge = !this.#fits(announcementBytes) || announcedBytes(updates) > fetchBytesAim
    return isTooLarge ? undefined : { outgoing: { kind: 'announcement', updates }, bytes: announcementBytes }
  }

  #fits(bytes: number): boolean {
    return bytes + headBytes <= this.#messageBytesMax
  }
}
