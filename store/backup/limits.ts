/** The limits of backups, by name. */

/** Bytes of rows that are gathered into one block; the row that crosses it still belongs to the block. */
export const blockBytes = 256 * 1024
/** Bytes of one block: of a single row, where that is larger than what is gathered. */
export const blockBytesMax = 2 ** 31 - 1
/** Bytes of the texts in a backup's head, and of the reason why one was broken off. */
export const headTextBytesMax = 4096
