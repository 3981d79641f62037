/** The limits of the one writer, by name. */

/** A batch that has grown beyond this takes no further writes; they go to the next one. */
export const commitBytesMax = 8 * 1024 * 1024
/** Writes waiting for a later batch; more are refused until some are done. */
export const waitingWritesMax = 100_000
/**
 * Longest chain of superseded updates that is sent together, in links, and in bytes of what they supersede as it
 * travels at most; a longer one is left to the tree.
 */
export const chainMax = 10_000
export const chainBytesMax = 8 * 1024 * 1024
/**
 * Rows looked at, and milliseconds spent, in one call that reads what a peer misses: the peer waits, and must see that
 * it goes on.
 */
export const missingRowsMax = 20_000
export const missingMsMax = 250
/** Rows from one look at the clock to the next in such a call. */
export const missingClockRows = 16
/** Of these, rows and links looked at before others get a turn. */
export const missingSliceRows = 512
/**
 * Missing ranges with at most so many other dots between them are scanned as one; of so few dots, each is looked up by
 * itself.
 */
export const missingGapMax = 2
export const missingLookupsMax = 16
/** Entries of several versions that one such call keeps decoded. */
export const missingEntriesMax = 16
/**
 * Time for which answers of retry-safe requests are kept, in milliseconds of one run, and their number, above which the
 * oldest are deleted before that.
 */
export const retryKeepMs = 24 * 3600 * 1000
export const retryKeepCount = 100_000
/** Interval between prunings of these answers, in milliseconds. */
export const retryPruneIntervalMs = 600_000
/** Time for which the past of the applied context is kept for `appliedBefore`, and its grain, in milliseconds. */
export const pastKeepMs = 10_000
export const pastGrainMs = 100
/** Time from its deadline until a version is deleted for good, and the jitter between nodes, in milliseconds. */
export const expiryGraceMs = 60_000
export const expiryJitterMs = 30_000
/**
 * Time for which one look at all clocks is used, and the step of the own clock that ends it earlier, in milliseconds.
 */
export const clockLookKeptMs = 100
export const clockLookSlackMs = 50
/** Mean interval between sweeps for versions past their deadline, in milliseconds; versions deleted in one write. */
export const expirySweepMs = 10_000
export const expirySweepMax = 500
/** Interval between trims of acknowledged log rows, in milliseconds; rows in one write. */
export const trimIntervalMs = 2_000
export const trimRowsMax = 1_000
/**
 * Updates trimmed for each live dot after which the store is compacted. Fewer: less disk waits to be given back. More:
 * less is written again, the live rows once for each compaction.
 */
export const compactionShare = 0.25
/**
 * Baselines of counters looked at, and deleted, in one write; and the share of sweeps that a node makes, so that
 * usually one node does it.
 */
export const baselineSweepMax = 256
export const baselineSweepChance = 0.25
/** Totals of ended runs from which on a member folds those of a counter. */
export const foldTotalsMin = 4
/** Counters folded in one turn of upkeep, and counters that wait for one at most; the oldest of more is left out. */
export const foldsMax = 8
export const foldCandidatesMax = 1_024
/**
 * Time after an increment in which its acknowledgements prove what members know now, in milliseconds: a memory that went
 * back in time holds old ones.
 */
export const foldFreshMs = 20_000
/** Snapshots looked at for one verification, when writes that were under way go on writing over what was damaged. */
export const verifyAttemptsMax = 8
/** Dots with two contents that are remembered by name; beyond that they are counted only. */
export const clashesNamedMax = 100
/** Rows verified in one slice before others get their turn. */
export const verifySliceRows = 256
/** Trie nodes whose digests are computed in one slice after the scan. */
export const trieSliceNodes = 2_000
/**
 * Largest jump of the wall clock against the monotonic one between two writes that does not end a run, in milliseconds.
 */
export const clockJumpMs = 2_000
/** Feed rows looked at for one page of the change feed, and bytes of values in it; one event may be larger. */
export const feedPageRowsMax = 256
export const feedPageBytesMax = 256 * 1024
/** Superseded dots that an event of the change feed names. */
export const feedSupersedesMax = 100
/**
 * Log rows that are measured for one member's hint (more are estimated from so many), and bytes after which measuring
 * ends.
 */
export const hintRowsMax = 256
export const hintBytesReadMax = 4 * 1024 * 1024
/**
 * Dots of each run, counted from its last, whose digests are kept after every member has acknowledged them; and for how
 * long, in milliseconds.
 */
export const digestSpanDots = 65_536
export const digestAgeMsMax = 30 * 24 * 3600 * 1000
/** Dots of each run, counted from its last, whose digests are kept for members that have not acknowledged them. */
export const unacknowledgedDigestSpanDots = 1_048_576
/** Rows of digests looked at in one sweep, and how often there is one, in milliseconds. */
export const digestSweepRowsMax = 2_000
export const digestSweepIntervalMs = 60_000
/**
 * Time without a change after which what is known of an actor counts as settled, in milliseconds; and actors that are
 * not settled, at most.
 */
export const settleAfterMs = 3_600_000
export const unsettledMax = 1_024
/**
 * Actors that are new here and that one union with a peer's contexts brings, at most; the rest comes with the next
 * ones.
 */
export const unionActorsMax = 65_536
