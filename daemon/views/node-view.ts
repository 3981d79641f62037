/** The API's view of this node itself, apart from data and mesh. */
import type { HearsayError } from '../../store/errors.js'
import type { VerificationProgress } from '../../store/replica/health.js'
import type { Notice } from '../../store/replica/warnings.js'
import type { HistogramFamily } from '../metrics/histogram.js'

/** Dots that turned out to have two contents, since the start. */
export interface Clashes {
  /** Number of times that was seen. */
  readonly count: number
  /** The dots, each with the tag of the member that issued it; the first of them when there are many. */
  readonly dots: readonly { readonly dot: string; readonly member: string }[]
}

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
  /** Progress of the verification under way; null when none is. */
  verification(): VerificationProgress | null
  /** Warnings about store and settings for the operator. */
  warnings(): string[]
  /** The same with their matters. */
  notices(): Notice[]
  /** Signs that two copies of one machine write under one id. */
  clashes(): Clashes
  /** Rising counts for the metrics, by their names without prefix and suffix, for example `gossip_published`. */
  counters(): Readonly<Record<string, number>>
  /** Histograms for the metrics. */
  histograms(): readonly HistogramFamily[]
}
