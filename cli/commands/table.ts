/** The one table of commands: the fast parser, the full parser, the help and the completions all come from it. */
import type { CommandSpec, CommandTable } from '../command.js'
import { collectionCommands } from './collections.js'
import { daemonOptions, startOptions } from './daemon-options.js'
import { labCommands, labSummary } from './lab-table.js'
import { memberCommands } from './mesh-table.js'
import { commonOptions, jsonOption } from './quick.js'
import { typeCommands } from './types.js'
import { valueCommands } from './value-table.js'

const local: readonly CommandSpec[] = [
  {
    name: 'dashboard',
    summary: 'print a link that opens the dashboard, once',
    arguments: [],
    options: [{ name: 'open', help: 'open it in the browser' }, ...commonOptions],
    load: async () => (await import('./dashboard.js')).dashboard,
  },
  {
    name: 'daemon',
    summary: 'run a node',
    arguments: [],
    options: daemonOptions,
    examples: ['hearsay daemon --name attic', 'hearsay daemon --data ./n1 --listen /ip4/127.0.0.1/tcp/0 --mdns=false'],
    load: async () => (await import('./daemon.js')).daemon,
  },
  {
    name: 'restore',
    summary: 'restore a node from a backup, while no daemon runs',
    arguments: [{ name: 'FILE', required: true }],
    options: [
      { name: 'data', value: 'DIR', help: 'the data directory to restore into (HEARSAY_DATA)' },
      { name: 'same-identity', help: 'come back as the same member; the old node must never run again' },
      { name: 'force', help: 'replace the node that is in the data directory' },
      jsonOption,
    ],
    examples: ['hearsay restore attic.backup --data ./attic'],
    load: async () => (await import('./backup.js')).restore,
  },
  {
    name: 'config',
    summary: "the daemon's settings in effect, or those it would start with, each with its origin",
    arguments: [],
    options: [...commonOptions, ...startOptions],
    examples: ['hearsay config', 'hearsay config --config /etc/hearsay.toml'],
    load: async () => (await import('./config.js')).config,
  },
  {
    name: 'completion',
    summary: 'print completions for a shell',
    arguments: [{ name: 'SHELL', required: true, choices: ['bash', 'zsh', 'fish'] }],
    options: [],
    examples: [
      'source <(hearsay completion bash)',
      'hearsay completion fish > ~/.config/fish/completions/hearsay.fish',
    ],
    load: async () => (await import('./completion.js')).completionOf({ commands, groups }),
  },
  {
    name: 'version',
    summary: 'print the version',
    arguments: [],
    options: [jsonOption],
    load: async () => (await import('./version.js')).version,
  },
]

/** Subjects of the commands of two words, by their first word. */
export const groups: CommandTable['groups'] = {
  ...Object.fromEntries(Object.values(typeCommands).flatMap(({ group }) => (group === null ? [] : [group]))),
  lab: labSummary,
}

/** All commands, in the order of the help. */
export const commands: readonly CommandSpec[] = [
  ...valueCommands,
  ...collectionCommands,
  ...memberCommands,
  ...labCommands,
  ...local,
]
