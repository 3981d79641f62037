/** The commands of the lab, for the table. */
import type { ArgumentSpec, CommandSpec, OptionSpec } from '../command.js'
import { jsonOption } from './quick.js'

const dir: OptionSpec = { name: 'dir', value: 'DIR', help: 'the directory of the lab; else one of this user alone' }
const labOptions: readonly OptionSpec[] = [dir, jsonOption]
const nodes: ArgumentSpec = { name: 'NODE', required: true, variadic: true }
const groups: ArgumentSpec = { name: 'GROUP', required: true, variadic: true }

/** The summary of the lab in the help. */
export const labSummary = 'a mesh of real daemons on this machine, to try everything on: cuts, slow links, crashes'

/** Commands of the lab, in the order of the help. */
export const labCommands: readonly CommandSpec[] = [
  {
    name: 'lab up',
    summary: 'start nodes that are one mesh; flags behind -- are those of every daemon',
    arguments: [{ name: 'FLAG', required: false, variadic: true }],
    options: [{ name: 'nodes', short: 'n', value: 'N', help: 'how many, 5 when not told' }, ...labOptions],
    examples: ['hearsay lab up -n 5', 'hearsay lab up -n 3 -- --acks majority'],
    waits: 'starting the nodes',
    load: async () => (await import('./lab-up.js')).up,
  },
  {
    name: 'lab status',
    summary: 'whether all are equal; each node with its side of the cut',
    arguments: [],
    options: labOptions,
    waits: 'asking the nodes',
    load: async () => (await import('./lab.js')).status,
  },
  {
    name: 'lab on',
    summary: 'run any command on one node',
    arguments: [
      { name: 'NODE', required: true },
      { name: 'COMMAND', required: true, variadic: true },
    ],
    passesOn: true,
    options: [dir],
    examples: ['hearsay lab on ann put greeting hello', 'hearsay lab on eve conflicts --json'],
    load: async () => (await import('./lab.js')).on,
  },
  {
    name: 'lab split',
    summary: 'cut groups of nodes apart, at once and in both directions; who is not named is one more group',
    arguments: [groups],
    options: labOptions,
    examples: ['hearsay lab split ann,bob cid,dan,eve', 'hearsay lab split 1,2 3,4,5', 'hearsay lab split cid'],
    waits: 'cutting',
    load: async () => (await import('./lab.js')).split,
  },
  {
    name: 'lab heal',
    summary: 'mend all cuts, wait until all are equal, and say what it took; slow links stay slow',
    arguments: [],
    options: [{ name: 'timeout', value: '60s', help: 'give up waiting after so long' }, ...labOptions],
    waits: 'healing',
    load: async () => (await import('./lab.js')).heal,
  },
  {
    name: 'lab slow',
    summary: 'make the links between groups slow; all links when no group is named',
    arguments: [{ ...groups, required: false }],
    options: [
      { name: 'delay', value: '100ms', help: 'how much later everything arrives, in each direction' },
      { name: 'loss', value: '2%', help: 'packets that are lost and sent again' },
      { name: 'rate', value: '64KiB', help: 'bytes a second in each direction' },
      { name: 'off', help: 'no link is slow any more' },
      ...labOptions,
    ],
    examples: ['hearsay lab slow --delay 100ms', 'hearsay lab slow ann,bob cid --rate 64KiB --loss 2%'],
    load: async () => (await import('./lab.js')).slow,
  },
  {
    name: 'lab kill',
    summary: 'end nodes where they stand (kill -9)',
    arguments: [nodes],
    options: labOptions,
    waits: 'killing',
    load: async () => (await import('./lab.js')).kill,
  },
  {
    name: 'lab stop',
    summary: 'end nodes in order',
    arguments: [nodes],
    options: labOptions,
    waits: 'stopping',
    load: async () => (await import('./lab.js')).stop,
  },
  {
    name: 'lab start',
    summary: 'start nodes again on their data',
    arguments: [nodes],
    options: labOptions,
    waits: 'starting',
    load: async () => (await import('./lab.js')).start,
  },
  {
    name: 'lab open',
    summary: 'print an address for each node that opens its dashboard, once, in the next five minutes',
    arguments: [{ ...nodes, required: false }],
    options: labOptions,
    load: async () => (await import('./lab.js')).open,
  },
  {
    name: 'lab run',
    summary: 'run a script; one that begins with `up` has a lab of its own, which is removed at the end',
    arguments: [{ name: 'SCRIPT', required: true }],
    options: [{ name: 'keep', help: 'leave the lab of the script up' }, ...labOptions],
    examples: ['hearsay lab run docs/stories/both-sides-write.lab'],
    load: async () => (await import('./lab-run.js')).run,
  },
  {
    name: 'lab down',
    summary: 'end everything and remove it; also what an earlier lab left that was killed',
    arguments: [],
    options: labOptions,
    waits: 'stopping the nodes',
    load: async () => (await import('./lab.js')).down,
  },
]
