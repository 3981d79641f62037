/** Every limit of the command line and its client, by name. */

/** Bytes of a value that any node accepts; more is refused before it is sent. */
export const valueBytesMax = 64 * 1024 * 1024
/** Operations of one batch, as the daemon takes them. */
export const batchOperationsMax = 1_000
/** Bytes of the headers of one answer, as many as the daemon takes: a context names every version that was read. */
export const headerBytesMax = 256 * 1024
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
/** Time for requests that talk to peers (join, sync, block), in milliseconds. */
export const meshTimeoutMs = 600_000
/** Default time limit of `wait`, in milliseconds. */
export const waitTimeoutMsDefault = 30_000
/** After how long `wait` says whom it waits for, in milliseconds. */
export const waitNoticeMs = 3_000
/** Items of one page of a listing. */
export const pageItemsDefault = 1_000
/** Items of one page of a listing with values, which may be large. */
export const pageItemsWithValues = 100
/** Lines of a list that are gathered into one write: half a page, so that the first ones show while others are asked for; and their characters. */
export const gatheredLinesMax = 500
export const gatheredCharactersMax = 64 * 1024
/** Lines of one request of an import. */
export const importBatchLines = 500
/** Bytes of one request of an import; a single line may be longer. */
export const importBatchBytes = 1024 * 1024
/** Bytes of one line of an import. */
export const importLineBytesMax = 256 * 1024 * 1024
/** Bytes at the start of an import that are looked at to tell its form; its first entry may be longer. */
export const importDetectBytes = 1024 * 1024
/** Failed lines after which an import gives up: this is some other file. */
export const importFailuresMax = 1_000
/** Failed lines of an import that are shown one by one. */
export const importFailuresShown = 20
/** Bytes of a Unix socket's path that the kernel takes. */
export const socketPathBytesMax = 107
/** Characters of a value that a table shows. */
export const shownValueCharactersMax = 60
/** Interval at which the progress bar is drawn, in milliseconds. */
export const progressIntervalMs = 100
/** Deletes of `del --prefix` that are under way at once. */
export const deletesAtOnce = 64
/** Bytes of one event of the change feed. */
export const eventBytesMax = 512 * 1024 * 1024
/**
 * Time of silence after which the change feed counts as broken, in milliseconds; the daemon sends something every 15 s.
 */
export const watchSilenceMs = 60_000
/**
 * Delay before a broken change feed is opened again, in milliseconds; doubled at each failure up to the second number.
 */
export const watchRetryMsFirst = 100
export const watchRetryMsMax = 5_000
/** The longest time that one request may wait, in milliseconds; the daemon refuses more. */
export const waitTimeoutMsMax = 24 * 3600 * 1000
