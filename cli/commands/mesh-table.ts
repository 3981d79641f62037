/** The table of the commands of the mesh: who is there, what is wrong, who may be. */
import type { CommandSpec } from '../command.js'
import { commonOptions, connectionOptions, keyArgument } from './quick.js'

/** Commands of the mesh and of this node in it, in the order of the help. */
export const memberCommands: readonly CommandSpec[] = [
  {
    name: 'status',
    summary: 'this node, and who is behind by how much',
    arguments: [],
    options: commonOptions,
    waits: 'asking the daemon',
    load: async () => (await import('./status.js')).status,
  },
  {
    name: 'doctor',
    summary: 'check this node and its mesh, or one member, and say what to do; exit code 1 if a check failed',
    arguments: [{ name: 'PEER', required: false, completesMembers: true }],
    options: commonOptions,
    examples: [
      'hearsay doctor',
      'hearsay doctor pi',
      'hearsay doctor --json | jq \'.findings[] | select(.level != "ok")\'',
    ],
    waits: 'examining',
    load: async () => (await import('./doctor.js')).doctor,
  },
  {
    name: 'top',
    summary: 'the status as it lives: members, rates, sync, conflicts; / filters, : runs a command, q leaves',
    arguments: [],
    options: [{ name: 'interval', value: '1s', help: 'ask the daemon this often' }, ...connectionOptions],
    examples: ['hearsay top', 'hearsay top --interval 5s'],
    load: async () => {
      const [{ topWith }, { main }] = await Promise.all([import('./top.js'), import('../main.js')])
      return topWith(main)
    },
  },
  {
    name: 'members',
    summary: 'the members of the mesh',
    arguments: [],
    options: [{ name: 'names', help: 'print the names alone, one a line' }, ...commonOptions],
    examples: ['hearsay members', 'for name in $(hearsay members --names); do hearsay doctor "$name"; done'],
    waits: 'asking the daemon',
    load: async () => (await import('./status.js')).members,
  },
  {
    name: 'peers',
    summary: 'the members that are connected now: version, clock offset, address',
    arguments: [],
    options: commonOptions,
    waits: 'asking the daemon',
    load: async () => (await import('./status.js')).peers,
  },
  {
    name: 'wait',
    summary: 'wait until members are connected and equal; exit code 7 if the time runs out first',
    arguments: [],
    options: [
      { name: 'peers', value: 'N', help: 'until at least N members are connected' },
      { name: 'converged', help: 'until all members (or N) have exactly what this node has' },
      { name: 'timeout', value: '30s', help: 'give up after this duration' },
      ...commonOptions,
    ],
    examples: ['hearsay wait --peers 2 --converged --timeout 30s'],
    load: async () => (await import('./wait.js')).wait,
  },
  {
    name: 'sync',
    summary: 'run anti-entropy now, with one peer or all',
    arguments: [{ name: 'PEER', required: false, completesMembers: true }],
    options: commonOptions,
    waits: 'syncing',
    load: async () => (await import('./sync.js')).sync,
  },
  {
    name: 'where',
    summary: 'which members durably hold the shown version of a key',
    arguments: [keyArgument],
    options: commonOptions,
    waits: 'asking the members',
    load: async () => (await import('./mesh.js')).where,
  },
  {
    name: 'diff',
    summary: 'which keys a connected peer holds otherwise, with both sides; changes nothing',
    arguments: [{ name: 'PEER', required: true }],
    options: [
      { name: 'limit', value: 'N', help: 'stop after N differences; default 100, at most 1,000' },
      ...commonOptions,
    ],
    examples: ['hearsay diff nas', 'hearsay diff nas --json | jq -r .keys[].key'],
    load: async () => (await import('./diff.js')).diff,
  },
  {
    name: 'invite',
    summary: 'print a token with which another node joins; keep it secret',
    arguments: [],
    options: commonOptions,
    waits: 'waiting for the network',
    load: async () => (await import('./mesh.js')).invite,
  },
  {
    name: 'join',
    summary: 'take this node into the mesh of an invitation',
    arguments: [{ name: 'TOKEN', required: true }],
    options: commonOptions,
    waits: 'joining',
    load: async () => (await import('./mesh.js')).join,
  },
  {
    name: 'forget',
    summary: 'retire a member for good',
    arguments: [{ name: 'NAME', required: true, completesMembers: true }],
    options: commonOptions,
    waits: 'forgetting',
    load: async () => (await import('./mesh.js')).forget,
  },
  {
    name: 'block',
    summary: 'cut this node off from peers, for experiments',
    arguments: [{ name: 'PEER', required: true, variadic: true, completesMembers: true }],
    options: commonOptions,
    waits: 'closing connections',
    load: async () => (await import('./mesh.js')).block,
  },
  {
    name: 'unblock',
    summary: 'lift blocks, all of them when no peer is named',
    arguments: [{ name: 'PEER', required: false, variadic: true, completesMembers: true }],
    options: commonOptions,
    waits: 'asking the daemon',
    load: async () => (await import('./mesh.js')).unblock,
  },
]
