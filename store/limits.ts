/** Every number that tunes the stores, by name. */

/** Rows of one chunk of a scan. */
export const scanRowsMax = 512
/** Bytes of keys and values after which a chunk of a scan ends; the row that crosses it still belongs to the chunk. */
export const scanBytesMax = 256 * 1024
/**
 * LevelDB's cache of uncompressed blocks, in bytes. Large tables are mapped by LevelDB, so the page cache does most of
 * the work.
 */
export const levelCacheBytesDefault = 16 * 1024 * 1024
/**
 * LevelDB's log and table in memory, in bytes; up to two are held at once. Larger: fewer and longer compactions.
 * Smaller: less to replay at the start after a crash.
 */
export const levelWriteBufferBytesDefault = 8 * 1024 * 1024
/** Bytes of a batch that is written through the one batch which the binding keeps, with its memory, for all writes. */
export const levelBatchBytesMax = 1024 * 1024
/** Bytes of one table file. */
export const levelTableBytes = 8 * 1024 * 1024
/** Table files that LevelDB keeps open: with the size above, 2 GiB without reopening, and few descriptors. */
export const levelOpenFilesMax = 256
/** Rows of one chunk in the memory store; it splits beyond. */
export const memoryChunkRowsMax = 64
