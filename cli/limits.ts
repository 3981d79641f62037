/**
 * Every limit of the command line and its client, by name; those that the daemon shares are in protocols/api/limits.ts.
 */
import { watchHeartbeatMs } from '../protocols/api/limits.js'

/** Bytes of one answer that is kept in memory; streams have no limit. */
export const responseBytesMax = 512 * 1024 * 1024
/** Time for the answer to a request, in milliseconds, unless the command says otherwise. */
export const responseTimeoutMsDefault = 30_000
/** Files that the daemon must be allowed to open: modules at its start, then tables of the store and connections. */
export const openFilesMin = 256
/** The longest timer that Node takes, about 24.8 days; the daemon refuses to wait for that long. */
export const timerMsMax = 2 ** 31 - 1
/** Time by which the daemon may exceed its own time limit before the client gives up, in milliseconds. */
export const responseGraceMs = 5_000
/** Time for the answer of the doctor, in milliseconds: a daemon that is slower is looked at from outside. */
export const doctorTimeoutMs = 10_000
/** Time for requests that talk to peers (join, sync, block), in milliseconds. */
export const meshTimeoutMs = 600_000
/** Time for one page of a count, which goes over many keys, in milliseconds. */
export const countTimeoutMs = 120_000
/** Time after which `wait` says whom it waits for, in milliseconds. */
export const waitNoticeMs = 3_000
/** Items of one page of a listing with values, which may be large. */
export const pageItemsWithValues = 100
/**
 * Lines of a list that are gathered into one write: half a page, so that the first ones show while others are asked
 * for; and their characters.
 */
export const gatheredLinesMax = 500
export const gatheredCharactersMax = 64 * 1024
/** Lines of one request of an import. */
export const importBatchLines = 1_000
/** Bytes of one request of an import; a single line may be longer. */
export const importBatchBytes = 1024 * 1024
/** Bytes at the start of an import that are looked at to tell its form; its first entry may be longer. */
export const importDetectBytes = 1024 * 1024
/** Failed lines of an import that are shown one by one. */
export const importFailuresShown = 20
/** Bytes of a Unix socket's path that the kernel takes. */
export const socketPathBytesMax = 107
/** Characters of a value that a table shows. */
export const shownValueCharactersMax = 60
/** Versions of one side of a difference that are shown. */
export const diffVersionsShown = 5
/** Interval at which the progress bar is drawn, in milliseconds. */
export const progressIntervalMs = 100
/** Keys of one `get` that are read at once. */
export const getsAtOnce = 16
/** Deletes of `del --prefix` that are under way at once. */
export const deletesAtOnce = 64
/** Bytes of one event of the change feed. */
export const eventBytesMax = 512 * 1024 * 1024
/** Time of silence after which the change feed counts as broken, in milliseconds. */
export const watchSilenceMs = 4 * watchHeartbeatMs
/**
 * Delay before a broken change feed is opened again, in milliseconds; doubled at each failure up to the second number.
 */
export const watchRetryMsFirst = 100
export const watchRetryMsMax = 5_000
/** Warnings above the status; the doctor has all. */
export const warningsShownMax = 8
/** Interval at which `top` asks the daemon unless told otherwise, and the shortest one, in milliseconds. */
export const topIntervalMs = 1_000
export const topIntervalMsMin = 200
/**
 * Interval at which `top` asks the doctor, in milliseconds; keys in conflict that it shows; lines on sessions that it
 * keeps.
 */
export const topFindingsMs = 10_000
export const topConflictsMax = 50
export const topSessionsMax = 20
/** Lines of a command's output that `top` keeps, and bytes of it; calls that can be brought back. */
export const topAnswerLines = 500
export const topAnswerBytes = 1024 * 1024
export const topHistoryMax = 50
/**
 * Attempts after a lost connection that a program's client makes unless it is told otherwise; the command line makes
 * none.
 */
export const retriesDefault = 4
/** Delay before a call is sent again, in milliseconds; doubled at each failure up to the second number. */
export const retryMsFirst = 100
export const retryMsMax = 2_000
/**
 * Attempts to delete a key that was kept alive, and the delay between them, in milliseconds; after them it is left to
 * expire.
 */
export const deleteAttemptsMax = 5
export const deleteRetryMs = 500
/**
 * Time in which such a delete is tried, in milliseconds: the command has ended, and somebody may wait for its exit
 * code.
 */
export const deleteMsMax = 10_000
/** Bytes of a template, keys and prefixes that it reads, keys below these, and bytes of what is rendered. */
export const templateBytesMax = 1024 * 1024
export const templateKeysMax = 10_000
export const renderedItemsMax = 100_000
export const renderedBytesMax = 64 * 1024 * 1024
/** Values that a rendering reads at once. */
export const valuesReadAtOnce = 16
/**
 * Time for which a change waits for others before it is rendered, the least time between two renderings, and the most,
 * in milliseconds.
 */
export const renderSettleMs = 100
export const renderIntervalMs = 1_000
export const renderRefreshMs = 10_000
/** Delay before a failed command is run again, in milliseconds; doubled at each failure up to the second number. */
export const commandRetryMsFirst = 1_000
export const commandRetryMsMax = 60_000
