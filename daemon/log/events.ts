/**
 * The one table of log lines from `info` on: the name of each event, which is the contract (messages may improve), its
 * level, and what to do about it. docs/OPERATIONS.md has the same table; a test keeps the two equal.
 */

/** Levels of what a person should see; `debug` and `trace` below them have no events. */
export type EventLevel = 'info' | 'warn' | 'error'

/** One event of the log. */
export interface LogEvent {
  readonly level: EventLevel
  /** Cause of the line, for people. */
  readonly about: string
  /**
   * Remedy, which is written into the line as `next`; null where the message itself has it, or there is nothing to do.
   */
  readonly next: string | null
}

/** All events. */
export const logEvents = {
  stopping: { level: 'info', about: 'a signal asks the daemon to stop', next: null },
  restarting: { level: 'info', about: 'the daemon restarts within its process, for the reason given', next: null },
  memberAdded: { level: 'info', about: 'a node has become a member of this mesh', next: null },
  memberForgotten: { level: 'info', about: 'a member was retired, here or elsewhere', next: null },
  watcherCut: {
    level: 'info',
    about: 'a reader of the change feed took nothing for too long',
    next: 'the reader goes on at its cursor when it connects again; look at why it is slow',
  },
  watcherRefused: { level: 'info', about: 'a reader of the change feed cannot go on, with the code given', next: null },
  setting: { level: 'warn', about: 'a setting or a variable is unknown, or has no effect', next: null },
  savedState: { level: 'warn', about: 'a file beside the store cannot be read or written', next: null },
  joinWaits: { level: 'warn', about: 'the invitation given at the start has not been used yet', next: null },
  identityTaken: {
    level: 'warn',
    about: 'this node gave up its peer id to another one that uses it, and is a member of its own now',
    next: 'give it a name of its own (--name), unless the host name does',
  },
  identityShared: {
    level: 'warn',
    about: 'another node runs with the peer id of this one: a copied data directory',
    next: 'nothing, one of the two takes a new one; stop the copy if it is not wanted',
  },
  notNotified: { level: 'warn', about: 'the service manager cannot be notified', next: null },
  portsNotKept: {
    level: 'warn',
    about: 'the ports that were chosen cannot be remembered',
    next: 'check the space and the owner of the data directory, or give fixed ports (--listen)',
  },
  valuesRefused: {
    level: 'warn',
    about: 'values of a member are larger than this version takes',
    next: 'update this node; until then it lacks those values, and says so in its status',
  },
  socketMadeAgain: {
    level: 'warn',
    about: 'something deleted the socket of the API',
    next: 'keep cleaners of temporary files away from it, or put the data directory elsewhere',
  },
  socketFailed: {
    level: 'warn',
    about: 'the socket of the API cannot be made',
    next: 'check the space and the owner of the data directory; it is tried again each second',
  },
  resolver: { level: 'warn', about: 'a resolver failed, or could not be proven by its examples', next: null },
  machineCopied: {
    level: 'warn',
    about: 'a machine was cloned while it ran, or rolled back with its memory',
    next: 'nothing, both contents are kept; see "Clones"',
  },
  logNotTrimmed: {
    level: 'warn',
    about: 'the update log could not be trimmed',
    next: 'check the space on the disk; it is tried again',
  },
  manyRuns: {
    level: 'warn',
    about: 'one peer brought very many new runs of nodes; the rest comes later',
    next: 'find out which member is started over and over, or is not yours',
  },
  filesUnchecked: { level: 'warn', about: 'the files of the store could not be checked', next: null },
  runtimeWarning: { level: 'warn', about: 'Node warns of something', next: 'report it with this line' },
  networkDefect: { level: 'warn', about: 'a part of the network failed by a defect', next: 'report it with this line' },
  resolverRefused: { level: 'error', about: 'a resolver is not used', next: null },
  filesDamaged: { level: 'error', about: 'the files of the store are damaged', next: null },
  storeFailed: { level: 'error', about: 'the disk failed while writing, and the node is read-only', next: null },
  storeDamaged: {
    level: 'error',
    about: 'records are damaged; they are fetched again from members',
    next: 'check the health of the disk; `hearsay status` says when all is repaired',
  },
  notVerified: { level: 'error', about: 'the store could not be compared with its checksums', next: null },
  identityLost: { level: 'error', about: 'a new peer id could not be written', next: null },
  backupFailed: {
    level: 'error',
    about: 'a backup was interrupted; its file is no backup',
    next: 'take it again; `hearsay status` says what is wrong with the store',
  },
  answerFailed: {
    level: 'error',
    about: 'a long answer ended early; the client has seen it',
    next: 'ask again; `hearsay status` says what is wrong with the store',
  },
  systemFailed: { level: 'error', about: 'the system refused a file or a descriptor', next: null },
  defect: { level: 'error', about: 'a request met a defect', next: 'report it with this line' },
  uncaught: {
    level: 'error',
    about: 'an error that nothing handled; an exception ends the daemon',
    next: 'report it with this line; whatever supervises the daemon starts it again',
  },
  notStopped: {
    level: 'error',
    about: 'a part of the daemon did not stop in order',
    next: 'nothing, acknowledged writes are on the disk; report it if it comes again',
  },
} as const satisfies Readonly<Record<string, LogEvent>>

/** Name of an event of the log. */
export type LogEventName = keyof typeof logEvents

/** Names of the events of one level. */
export type EventsOf<Level extends EventLevel> = {
  [Name in LogEventName]: (typeof logEvents)[Name]['level'] extends Level ? Name : never
}[LogEventName]
