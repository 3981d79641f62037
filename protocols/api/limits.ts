/** Limits and defaults of the HTTP API that daemon and clients share, by name. Plain data. */

/** Bytes of the request line and all headers, and of the headers of an answer; keys and context tokens travel there. */
export const headerBytesMax = 256 * 1024
/** Operations of one batch, and bytes of its body. */
export const batchOperationsMax = 1_000
export const batchBodyBytesMax = 8 * 1024 * 1024
/** Items of a page when the request does not say, and at most. */
export const pageItemsDefault = 1_000
export const pageItemsMax = 10_000
/** Keys of a comparison with a peer when the request does not say, and at most. */
export const diffKeysDefault = 100
export const diffKeysMax = 1_000
/** Timeout of `wait` when the request does not name one, in milliseconds. */
export const waitTimeoutMsDefault = 30_000
/** The longest timeout that a request may ask for, in milliseconds. */
export const timeoutMsMax = 24 * 3600 * 1000
/** Bytes of one line of an import. */
export const importLineBytesMax = 256 * 1024 * 1024
/** Failed lines that an import reports one by one; a client gives up after so many. */
export const importFailuresMax = 1_000
/** Interval of the comment lines that a reader of the change feed gets, in milliseconds. */
export const watchHeartbeatMs = 15_000
/** Bytes of a value that any node takes, whatever its `values.maxBytes`; clients send no more. */
export const valueBytesMax = 64 * 1024 * 1024
