/**
 * The on-disk layout in one table: every kind of row, its key and its value. `store/rows/` writes and reads them.
 * A change here or there is a new format version and a named migration.
 *
 * | prefix | key | value |
 * | --- | --- | --- |
 * | `m` | name | `format`: the layout's version; `state`: counts, checksum, sequence, clock; `readers`: where the feed is held for them |
 * | `b` | actor, counter | a live baseline of a counter: it may go once all members know of it |
 * | `c` | actor | the actor's member, its seen ranges, its applied ranges |
 * | `d` | actor, counter | the dot row: at once dot index (of live dots) and update log |
 * | `e` | key, type, field | an entry of the users: its live versions |
 * | `f` | sequence | the change feed: which dot came when |
 * | `h` | actor, counter | the digest of what stood at a dot, once the log has nothing of it any more |
 * | `a` | member | what the member last acknowledged |
 * | `i` | retry key | the remembered answer of a retry-safe request |
 * | `j` | sequence | which retry key was remembered when (for pruning) |
 * | `x` | deadline, actor, counter | a live version that expires |
 * | `y` | key, type, field | an entry of the mesh itself |
 *
 * Numbers in keys are big-endian, so that byte order is their order. Every value ends with the CRC-32 of key and value,
 * but for those of `b` and `x`, which are empty.
 */

/** The version of this layout. */
export const formatVersion = 3

/** The first byte of the keys of each kind. */
export const rowPrefixes = {
  acknowledgement: 'a',
  baseline: 'b',
  context: 'c',
  dot: 'd',
  entry: 'e',
  feed: 'f',
  retry: 'i',
  retryOrder: 'j',
  meta: 'm',
  deadline: 'x',
  digest: 'h',
  system: 'y',
} as const

/** The kinds of rows. */
export type RowKind = keyof typeof rowPrefixes

/** The range of all rows of a kind. */
export function rangeOf(kind: RowKind): { gte: Buffer; lt: Buffer } {
  const first = rowPrefixes[kind].charCodeAt(0)
  return { gte: Buffer.of(first), lt: Buffer.of(first + 1) }
}

/** The kind of a row; undefined when this layout has none with such a key. */
export function kindOfRow(key: Uint8Array): RowKind | undefined {
  return kindsByPrefix.get(key[0] ?? -1)
}

/** All kinds, in the order of their keys. */
export const rowKinds = (Object.keys(rowPrefixes) as RowKind[]).sort((a, b) =>
  rowPrefixes[a] < rowPrefixes[b] ? -1 : 1,
)

/** Kinds of rows that say everything in their key: their value is empty, and has no checksum. */
export const kindsWithoutValue: ReadonlySet<string | undefined> = new Set(['baseline', 'deadline'])

const kindsByPrefix = new Map(
  Object.entries(rowPrefixes).map(([kind, prefix]) => [prefix.charCodeAt(0), kind as RowKind] as const),
)
