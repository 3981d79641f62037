/** The one table of stable error codes. Codes are the contract; messages may improve and always say what to do next. */

/**
 * Of each code: its HTTP status, the exit code of the command line, and what it means. docs/OPERATIONS.md lists the
 * same table; a test compares the two.
 */
export const errorCodes = {
  BAD_REQUEST: { status: 400, exit: 2, meaning: 'the request is malformed' },
  BAD_KEY: { status: 400, exit: 2, meaning: 'a key is empty or not UTF-8' },
  BAD_CONTEXT: { status: 400, exit: 2, meaning: 'a context token is malformed, altered, or of another key or mesh' },
  BAD_CURSOR: { status: 400, exit: 2, meaning: 'a cursor of the change feed is malformed' },
  BAD_DOCUMENT: {
    status: 400,
    exit: 2,
    meaning:
      'a document is not a JSON object, is nested too deeply or too large, or holds a number that would be rounded',
  },
  BAD_PATCH: { status: 400, exit: 2, meaning: 'a patch is malformed' },
  BAD_TOKEN: { status: 400, exit: 2, meaning: 'an invitation is malformed' },
  BAD_CONFIG: { status: 400, exit: 2, meaning: 'a setting is unknown or has a wrong value' },
  COUNTER_RANGE: {
    status: 400,
    exit: 1,
    meaning: 'a counter would leave the whole numbers from -(2^53 - 1) to 2^53 - 1',
  },
  BAD_BACKUP: {
    status: 400,
    exit: 1,
    meaning: 'a backup is damaged, truncated, or not a backup; nothing was restored',
  },
  UNAUTHORIZED: { status: 401, exit: 1, meaning: 'the API token is missing or wrong' },
  BAD_LINK: { status: 401, exit: 1, meaning: 'a link to the dashboard was used before, has expired, or is malformed' },
  OWN_INVITATION: { status: 400, exit: 2, meaning: 'the invitation was made by this node itself' },
  FORGOTTEN: { status: 403, exit: 1, meaning: 'the mesh has forgotten this node, or this node the inviting member' },
  FORBIDDEN_ORIGIN: { status: 403, exit: 1, meaning: 'the Host or Origin header is foreign' },
  NOT_FOUND: { status: 404, exit: 3, meaning: 'there is no such key, member, peer or route' },
  CONFLICT: {
    status: 409,
    exit: 4,
    meaning: 'the key holds siblings, and the request does not say which of them it means',
  },
  EXISTS: { status: 409, exit: 4, meaning: 'the key exists, and the write was asked for only if it does not' },
  STALE_CONTEXT: {
    status: 409,
    exit: 4,
    meaning: 'something newer has come since the context was read, or since what is to be undone',
  },
  TOO_MANY_SIBLINGS: {
    status: 409,
    exit: 4,
    meaning:
      'the key holds as many versions, or bytes of them, as writes may leave side by side; settle the conflict first',
  },
  WOULD_OVERWRITE: {
    status: 409,
    exit: 1,
    meaning: 'a file or a data directory is there already; nothing was changed',
  },
  BASE_UNKNOWN: {
    status: 409,
    exit: 4,
    meaning: 'the context is of a state of the document that this node does not have',
  },
  PATCH_FAILED: { status: 409, exit: 4, meaning: 'a patch does not fit the document as it is; nothing was changed' },
  OTHER_MESH: { status: 409, exit: 4, meaning: 'this node already has members of another mesh' },
  NO_TCP_API: {
    status: 409,
    exit: 1,
    meaning: 'the daemon listens on no TCP address, without which no browser can open the dashboard',
  },
  CURSOR_GONE: {
    status: 410,
    exit: 3,
    meaning: 'events after the cursor are no longer kept, or it is of another feed',
  },
  TOO_LARGE: { status: 413, exit: 2, meaning: 'a key, a value or a request is over its limit; nothing was stored' },
  UNSUPPORTED_TYPE: { status: 415, exit: 2, meaning: 'the body has a content type that the route does not take' },
  RETRY_KEY_REUSED: { status: 422, exit: 2, meaning: 'the idempotency key was used for another request' },
  INTERNAL: { status: 500, exit: 1, meaning: 'a defect; the log has the details' },
  DAMAGED_VALUE: {
    status: 500,
    exit: 1,
    meaning: 'a stored record fails its checksum; it is fetched again from peers',
  },
  DOCUMENT_UNREADABLE: {
    status: 500,
    exit: 1,
    meaning: 'no stored version of the document can be read; it is kept as it is',
  },
  UNREACHABLE: {
    status: 502,
    exit: 1,
    meaning: 'no address of the invitation or peer answered, or this node has none to name in an invitation',
  },
  NOT_ADMITTED: {
    status: 502,
    exit: 1,
    meaning: 'the inviting member was reached, but has not admitted this node: no heartbeat came back',
  },
  PEER_TOO_OLD: {
    status: 502,
    exit: 1,
    meaning: 'the peer runs a version of hearsay that does not know what is asked of it',
  },
  STORE_FAILED: {
    status: 503,
    exit: 1,
    meaning:
      'the disk failed; the outcome of the last write is unknown, and the node is read-only until it has restarted',
  },
  NOT_ENOUGH_ACKS: {
    status: 503,
    exit: 5,
    meaning: 'stored, but too few nodes acknowledged in time; it will still spread',
  },
  CLOCK_OFF: {
    status: 503,
    exit: 1,
    meaning: 'the clock is far from those of the members, and a time to live was asked for; nothing was stored',
  },
  NO_QUORUM: { status: 503, exit: 5, meaning: 'too few members answered in time; nothing was stored' },
  TOO_BUSY: { status: 503, exit: 1, meaning: 'too many operations are waiting; nothing was stored' },
  TOO_MANY_WATCHERS: {
    status: 503,
    exit: 1,
    meaning: 'the change feed, or the live stream, of this node already has its maximum of readers',
  },
  NOT_VERIFIED: { status: 503, exit: 1, meaning: 'the store is still being verified after the start' },
  TIMED_OUT: { status: 504, exit: 7, meaning: 'what was waited for did not happen in time' },
  SYSTEM_FAILED: {
    status: 503,
    exit: 1,
    meaning: 'the system refused a file, a folder or a descriptor; `system` is its code for that',
  },
  STORE_LOCKED: { status: 500, exit: 1, meaning: 'another daemon uses this data directory' },
  STORE_FORMAT: { status: 500, exit: 1, meaning: 'the data directory or backup was written by a newer version' },
  PORT_IN_USE: { status: 500, exit: 1, meaning: 'an address to listen on is taken' },
  FILE_FAILED: { status: 500, exit: 1, meaning: 'a file, or the output, cannot be read or written' },
  EDITOR_FAILED: { status: 500, exit: 1, meaning: 'the editor ended with an error; nothing was stored' },
  BAD_SCRIPT: { status: 400, exit: 2, meaning: 'a line of a script of the lab is malformed; nothing was run' },
  BAD_TEMPLATE: { status: 400, exit: 2, meaning: 'a template is malformed, or a value does not fit its place' },
  COMMAND_FAILED: { status: 500, exit: 1, meaning: 'the command that was to follow a change ended with an error' },
  NOT_AS_EXPECTED: { status: 500, exit: 1, meaning: 'an expectation of a script of the lab does not hold' },
  LAB_FAILED: { status: 500, exit: 1, meaning: 'a process of the lab did not start, or does not answer' },
  UNREACHABLE_DAEMON: { status: 500, exit: 6, meaning: 'no daemon answers at the API address' },
} as const satisfies Record<string, { status: number; exit: number; meaning: string }>

/** A stable error code. */
export type ErrorCode = keyof typeof errorCodes

/** An error that a user may see: a stable code, a message that says what to do next, and details for programs. */
export class HearsayError extends Error {
  override readonly name = 'HearsayError'

  constructor(
    readonly code: ErrorCode,
    message: string,
    readonly details: Readonly<Record<string, unknown>> = {},
    options?: ErrorOptions,
  ) {
    super(message, options)
  }
}
