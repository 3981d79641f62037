/** The API's view of this node itself, apart from data and mesh. */
import type { HearsayError } from '../../store/errors.js'
import type { HistogramFamily } from '../metrics/histogram.js'

/** The state of one node, read at the moment of the call. */
export interface NodeView {
  /** The version of hearsay. */
  readonly version: string
  /** The id of this run; null before its first write. */
  actor(): string | null
  /** Live entries of the users. */
  entries(): number
  /** The root of the Merkle tree, in hexadecimal digits; equal on nodes with equal live entries. */
  root(): string
  /** A digest of the contexts, in hexadecimal digits; equal on nodes that know the same updates. */
  contextDigest(): string
  /** Keys in conflict. */
  countConflicts(): Promise<number>
  /** Bytes of updates that are no longer live and kept for members that miss them. */
  logBytes(): number
  /** True if the store has been compared with its own checksums since the start. */
  isVerified(): boolean
  /** True if the network is up and sync sessions may run. */
  isSyncing(): boolean
  /**
   * Returns the error that keeps clients from being served: the disk failed, or a damaged store is not verified.
   * Undefined when nothing does.
   */
  obstacle(): HearsayError | undefined
  /** Why the store is not verified, in words; null when it is. */
  unverifiedReason(): string | null
  /** Warnings about store and settings for the operator. */
  warnings(): string[]
  /** Rising counts for the metrics, by their names without prefix and suffix, for example `gossip_published`. */
  counters(): Readonly<Record<string, number>>
  /** Histograms for the metrics. */
  histograms(): readonly HistogramFamily[]
}
