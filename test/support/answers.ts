/** Answers of a daemon for the tests of clients, held by the compiler to the contract. */
import type { Conflict } from '../../protocols/api/conflicts.js'
import type { Versions, Written } from '../../protocols/api/kv.js'
import type { Member, Status } from '../../protocols/api/mesh.js'
import type { Version } from '../../protocols/api/parts.js'

/** The answer to a put. */
export const written: Written = { key: 'k', dot: 'a:1', context: 'c', acks: { have: 1, want: 1, nodes: ['alpha'] } }

const version = (value: string, node: string): Version => ({
  value,
  encoding: 'utf8',
  dot: `${node}:1`,
  node,
  time: '2024-01-02T03:04:05.678Z',
  expires: null,
})
/** A key in conflict. */
export const twoVersions: Versions = {
  key: 'k',
  context: 'both',
  versions: [version('one', 'alpha'), version('two\n', 'beta')],
}
/** The same in a listing of conflicts. */
export const conflictAnswer: Conflict = {
  ...twoVersions,
  type: 'reg',
  field: '',
  versions: twoVersions.versions.map((one) => ({ ...one, size: one.value.length })),
}

/** A member that misses updates. */
export const memberAnswer: Member = {
  name: 'beta',
  peer: '12D3b',
  connected: true,
  blocked: false,
  converged: false,
  behind: 3,
  ahead: 0,
  lastSeen: '1970-01-01T00:00:50.000Z',
  lastEqual: '1970-01-01T00:00:00.000Z',
  hints: { updates: 3, bytes: 2048, since: '1970-01-01T00:00:40.000Z' },
  addresses: ['/ip4/10.0.0.1/tcp/7400'],
  version: '0.1.0',
  clockOffsetMs: -3,
}
/** A node with one member. */
export const status: Status = {
  node: 'alpha',
  peer: '12D3a',
  actor: null,
  version: '0.1.0',
  entries: 1234,
  root: 'ab',
  context: 'cd',
  conflicts: 0,
  log: { bytes: 0 },
  verified: true,
  verification: null,
  addresses: ['/ip4/10.0.0.2/tcp/7400'],
  blocked: ['gamma'],
  warnings: ['the clock is off'],
  members: [memberAnswer],
}
