/**
 * The slot for bulk transfers: a node takes part in one at a time, so that after a heal nothing is shipped several
 * times over. A session that was only opened, not answered, gives way to one from a smaller peer id: so no ring of
 * nodes waits for itself.
 */
import type { PeerId } from '../network.js'

interface Holder {
  readonly peer: PeerId
  /** Ends the session so that another may have the slot; undefined once it transfers. */
  yieldTo: (() => void) | undefined
}

/** The one slot of a node. */
export class BulkSlot {
  readonly #self: PeerId
  #holder: Holder | undefined
  #waiting: (() => void)[] = []

  constructor(self: PeerId) {
    this.#self = self
  }

  /** True if nobody holds the slot. */
  get isFree(): boolean {
    return this.#holder === undefined
  }

  /** Resolves when it is free, or at once. */
  async whenFree(): Promise<void> {
    while (!this.isFree) await new Promise<void>((resolve) => this.#waiting.push(resolve))
  }

  /**
   * Takes it for a session that we open; `yieldTo` ends that session as long as it was not answered.
   * Returns how to tell that the transfer begins, and how to release; undefined when it is taken.
   */
  open(peer: PeerId, yieldTo: () => void): SlotHold | undefined {
    return this.isFree ? this.#hold({ peer, yieldTo }) : undefined
  }

  /** Takes it for a session that a peer opened; an unanswered one of ours may give way. Undefined when it is taken. */
  accept(peer: PeerId): SlotHold | undefined {
    const holder = this.#holder
    if (holder !== undefined) {
      if (holder.yieldTo === undefined || peer > this.#self) return undefined
      const { yieldTo } = holder
      this.#release(holder)
      yieldTo()
    }
    return this.#hold({ peer, yieldTo: undefined })
  }

  #hold(holder: Holder): SlotHold {
    this.#holder = holder
    return {
      begin: () => {
        holder.yieldTo = undefined
      },
      release: () => this.#release(holder),
    }
  }

  #release(holder: Holder): void {
    if (this.#holder !== holder) return
    this.#holder = undefined
    const waiting = this.#waiting
    this.#waiting = []
    for (const resolve of waiting) resolve()
  }
}

/** The slot as its holder has it. Releasing twice does no harm. */
export interface SlotHold {
  /** The transfer begins: from now on the slot does not give way. */
  begin(): void
  release(): void
}
