/** Names of headers, content types, and the words in them that daemon and clients share. Plain data. */

/** Headers of requests and answers that are ours, by what they carry. */
export const headerNames = {
  /** A token of what was read, and of what a write supersedes. */
  context: 'Hearsay-Context',
  /** The dot of what is shown. */
  dot: 'Hearsay-Dot',
  /** Number of siblings that a read shows. */
  siblings: 'Hearsay-Siblings',
  /** Number of places inside a document that hold concurrent values. */
  conflicts: 'Hearsay-Conflicts',
  /** Number of versions of a document that cannot be read. */
  unreadable: 'Hearsay-Unreadable',
  /** Key of a write, which makes a repeated request harmless. */
  retryKey: 'Idempotency-Key',
  /** Cursor behind which a reader of the change feed goes on. */
  lastEvent: 'Last-Event-ID',
  /** Sent by the dashboard's own page, whatever its value: no page of another site can. */
  dashboard: 'Hearsay-Dashboard',
} as const

/** Content types of bodies and answers, by what they are. */
export const contentTypes = {
  bytes: 'application/octet-stream',
  json: 'application/json',
  lines: 'application/x-ndjson',
  events: 'text/event-stream',
  problem: 'application/problem+json',
  mergePatch: 'application/merge-patch+json',
  jsonPatch: 'application/json-patch+json',
  backup: 'application/vnd.hearsay.backup',
} as const
