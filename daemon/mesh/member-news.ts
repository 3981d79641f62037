/** Logs who has become a member and who was retired: whoever runs a node wants to know of strangers in its mesh. */
import type { PeerId } from '../../protocols/network.js'
import type { Log } from '../log/log.js'

/** A member as it is named in the log. */
export interface NamedMember {
  readonly name: string
  readonly peer: PeerId
}

/** The members that were known, for comparison with those of now. */
export class MemberNews {
  readonly #log: Pick<Log, 'info'>
  #known: ReadonlyMap<PeerId, NamedMember>

  /** `members`: those that the store knew at the start, which are no news. */
  constructor(members: readonly NamedMember[], log: Pick<Log, 'info'>) {
    this.#log = log
    this.#known = byPeer(members)
  }

  /** Compares with the members of now. A new name of a member is no news. */
  changed(members: readonly NamedMember[]): void {
    const before = this.#known
    this.#known = byPeer(members)
    for (const { name, peer } of this.#known.values()) {
      if (!before.has(peer)) this.#log.info({ event: 'memberAdded', name, peer }, 'a node has become a member')
    }
    for (const { name, peer } of before.values()) {
      if (!this.#known.has(peer)) this.#log.info({ event: 'memberForgotten', name, peer }, 'a member was retired')
    }
  }
}

function byPeer(members: readonly NamedMember[]): ReadonlyMap<PeerId, NamedMember> {
  return new Map(members.map((member) => [member.peer, member]))
}
