/** The side of a replica that peers see: what is committed, and what they bring. */
import type { Trie } from '../merkle/trie.js'
import type { Address } from '../model/address.js'
import { type TaggedContexts, type TaggedUpdates, unknownMember } from '../model/codec.js'
import { Context } from '../model/context.js'
import type { ContentDigest, Dot, NamedDot } from '../model/dot.js'
import type { Batch } from './batch.js'
import type { ReplicaCore } from './core.js'
import type { Health } from './health.js'
import { unionActorsMax } from './limits.js'
import type { PeerReader } from './missing.js'
import { Past } from './past.js'
import { SettledContexts } from './settled.js'
import type { ApplyOutcome, Capture, MissingUpdates, PeerEntry, SyncReplica } from './types.js'

const noDots = new Context()

/** One replica as sync sessions, gossip and read repair use it. */
export class SyncSide implements SyncReplica {
  readonly #core: ReplicaCore
  readonly #health: Health
  readonly #reader: PeerReader
  readonly #past: Past
  readonly #settled: SettledContexts

  constructor(core: ReplicaCore, health: Health, reader: PeerReader) {
    this.#core = core
    this.#health = health
    this.#reader = reader
    this.#past = new Past(core)
    this.#settled = new SettledContexts(core)
  }

  get isVerified(): boolean {
    return this.#health.isVerified
  }

  get damageEpoch(): number {
    return this.#health.damageEpoch
  }

  /** True if addresses are marked as lost to damage: a complete pass with a peer settles their fate. */
  get awaitsPass(): boolean {
    return this.#core.ledger.entries.hasLost || this.#core.committed.hasLost
  }

  get trie(): Trie {
    return this.#health.trie
  }

  capture(): Capture {
    const { seen, applied } = this.#core.committed
    const { members } = this.#core.ledger
    const { trie } = this.#health
    const settled = this.#settled.now
    return { seen: seen.clone(), applied: applied.clone(), members, root: trie.root(), entries: trie.size, settled }
  }

  hasApplied(dot: Dot): boolean {
    return this.#core.committed.applied.has(dot)
  }

  appliedBefore(ageMs: number): Context {
    return this.#past.before(ageMs)
  }

  peerEntry(id: Uint8Array): PeerEntry | undefined {
    const found = this.trie.get(id)
    return found && this.#reading(() => this.#reader.peerEntry(found, this.#core.inFlight?.trie ?? []))
  }

  peerEntryAt(address: Address): PeerEntry {
    return this.#reading(() => this.#reader.peerEntryAt(address))
  }

  digestOf(dot: Dot): ContentDigest | undefined {
    return this.#reading(() => this.#reader.digestOf(dot))
  }

  async readMissing(missing: Context, bytesMax: number, peerApplied: Context = noDots): Promise<MissingUpdates> {
    try {
      return await this.#reader.readMissing(missing, bytesMax, peerApplied)
    } catch (error) {
      return this.#core.guard.damagedOr(error)
    }
  }

  applyUpdates(tagged: TaggedUpdates): Promise<ApplyOutcome> {
    const { ledger } = this.#core
    return this.#replicate((batch) =>
      tagged.updates.map((update) =>
        ledger.apply(batch, update, tagged.members.get(update.dot.actor) ?? unknownMember),
      ),
    )
  }

  async keepDigests(digests: readonly NamedDot[]): Promise<void> {
    await this.#core.write((batch) => this.#core.ledger.keepDigests(batch, digests))
  }

  joinEntries(entries: readonly PeerEntry[], peer: TaggedContexts): Promise<ApplyOutcome> {
    return this.#replicate((batch) => entries.map((entry) => this.#core.ledger.join(batch, entry, peer)))
  }

  async unite(peer: TaggedContexts, except: Context = noDots, compared?: Context): Promise<void> {
    const { ledger } = this.#core
    const epoch = this.damageEpoch
    const leftOut = await this.#core.submit((batch) => {
      // Damage found meanwhile: what was compared is not what is here now.
      if (epoch !== this.damageEpoch || !this.isVerified) return 0
      if (compared !== undefined && ledger.hasUnsettled(batch, peer, compared)) return 0
      return ledger.write(batch, () => ledger.unite(batch, peer, except))
    })
    if (leftOut > 0) this.#core.warnings.give('runs', manyRunsWarning(leftOut))
  }

  #reading<T>(read: () => T): T {
    return this.#core.guard.reading(read)
  }

  async #replicate(run: (batch: Batch) => ApplyOutcome[]): Promise<ApplyOutcome> {
    const outcomes = await this.#core.write(run)
    let news = 0
    let dropped = 0
    for (const outcome of outcomes) {
      news += outcome.news
      dropped += outcome.dropped
    }
    return { news, dropped }
  }
}

/** Every start of a node adds a run, which contexts keep for ever: so many at once come from no honest mesh. */
function manyRunsWarning(leftOut: number): string {
  const all = unionActorsMax + leftOut
  return `one peer knows ${all} runs of nodes that are new here: ${unionActorsMax} were taken, the others come with the next sessions`
}
