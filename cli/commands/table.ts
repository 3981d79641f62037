/** The one table of commands: the fast parser, the full parser, the help and the completions all come from it. */
import type { ArgumentSpec, CommandSpec, CommandTable, OptionSpec } from '../command.js'
import { collectionCommands } from './collections.js'
import { daemonOptions, startOptions } from './daemon-options.js'
import { labCommands } from './lab-table.js'
import {
  commonOptions,
  connectionOptions,
  contextOption,
  getCommand,
  jsonOption,
  keyArgument,
  nodesOptions,
  putCommand,
} from './quick.js'

const prefix: ArgumentSpec = { name: 'PREFIX', required: false, completesKeys: true }

/** The flag of `put` that runs a command; the quick path does not know it, and hands such a call on. */
const keepAliveOption: OptionSpec = {
  name: 'keep-alive',
  value: 'CMD...',
  tail: true,
  help: 'run CMD, keep the key alive as long, then delete it; exit with the code of CMD. --ttl: how soon it goes when the machine does',
}

const values: readonly CommandSpec[] = [
  withKeepAlive(putCommand),
  {
    ...getCommand,
    summary: 'print a value, byte for byte; of several keys one line each, with the key before a tab',
    arguments: [{ ...keyArgument, variadic: true }],
    examples: ['hearsay get greeting', 'hearsay get greeting --all --json', 'hearsay get greeting farewell'],
    load: async () => (await import('./get-several.js')).getAny,
  },
  {
    name: 'edit',
    summary: 'edit a value in $EDITOR; stored in place of exactly what was shown, and only if it was changed',
    arguments: [keyArgument],
    options: [
      { name: 'ttl', value: '30s', help: 'let it expire after this duration; default: what is left of its own' },
      ...nodesOptions,
      ...commonOptions,
    ],
    examples: ['hearsay edit motd', "EDITOR='code --wait' hearsay edit settings/app.json"],
    load: async () => (await import('./edit.js')).edit,
  },
  {
    name: 'del',
    summary: 'delete the value of a key, or all keys with a prefix, whatever their types',
    arguments: [{ ...keyArgument, required: false }],
    options: [
      {
        name: 'prefix',
        value: 'PREFIX',
        help: 'delete every key of any type with this prefix; asks first on a terminal, but not in a script',
      },
      { name: 'yes', help: 'do not ask' },
      { name: 'everything', help: 'allow the empty prefix: every key of the mesh' },
      contextOption,
      { name: 'all', help: 'delete every sibling of a key in conflict' },
      ...nodesOptions,
      ...commonOptions,
    ],
    examples: ['hearsay del greeting', 'hearsay del --prefix sessions/', "hearsay del --prefix '' --everything --yes"],
    load: async () => (await import('./del.js')).del,
  },
  {
    name: 'ls',
    summary: 'list keys in order',
    arguments: [prefix],
    options: [
      { name: 'values', help: 'print the values too, after a tab' },
      { name: 'limit', value: 'N', help: 'stop after N keys' },
      { name: 'after', value: 'KEY', help: 'start after this key' },
      { name: 'until', value: 'KEY', help: 'end with this key' },
      { name: 'reverse', help: 'from the last key to the first; --after and --until too' },
      { name: 'count', help: 'count the keys, on the daemon' },
      ...commonOptions,
    ],
    examples: [
      'hearsay ls settings/ --values',
      'hearsay ls logs/ --reverse --limit 10',
      'hearsay ls orders/ --after orders/2025 --until orders/2026 --count',
    ],
    load: async () => (await import('./ls.js')).ls,
  },
  {
    name: 'watch',
    summary: 'print each change as it arrives here, until interrupted',
    arguments: [prefix],
    options: [
      { name: 'since', value: 'CURSOR', help: 'continue after this event; 0: from the beginning of what is kept' },
      { name: 'initial', help: 'what there is first, then each change; nothing is left out or shown twice between' },
      {
        name: 'exec',
        value: 'CMD',
        help: 'run CMD for each event: HEARSAY_KEY, HEARSAY_OP, …; the value on its stdin',
      },
      { name: 'limit', value: 'N', help: 'stop after N events' },
      ...commonOptions,
    ],
    examples: [
      'hearsay watch settings/',
      'hearsay watch settings/ --initial --json',
      'hearsay watch --json --since 0',
      `hearsay watch jobs/ --exec 'echo "$HEARSAY_OP $HEARSAY_KEY"; cat'`,
    ],
    load: async () => (await import('./watch.js')).watch,
  },
  {
    name: 'render',
    summary: 'fill a template with the values of keys: a configuration file that follows them',
    arguments: [{ name: 'TEMPLATE', required: true }],
    options: [
      {
        name: 'output',
        value: 'FILE',
        help: 'replace FILE at once, and only when its content changes; default: stdout',
      },
      { name: 'exec', value: 'CMD', help: 'run CMD when the content of FILE has changed' },
      { name: 'watch', help: 'render again at every change, at most once a second, until interrupted' },
      ...commonOptions,
    ],
    examples: [
      'hearsay render nginx.conf.tmpl',
      "hearsay render nginx.conf.tmpl --output /etc/nginx/nginx.conf --exec 'nginx -s reload' --watch",
    ],
    load: async () => (await import('./render.js')).render,
  },
  {
    name: 'conflicts',
    summary: 'list keys with siblings',
    arguments: [prefix],
    options: commonOptions,
    load: async () => (await import('./conflicts.js')).conflicts,
  },
  {
    name: 'resolve',
    summary: 'settle the siblings of a key',
    arguments: [keyArgument],
    options: [
      { name: 'pick', value: 'N', help: 'keep the version with this number in `conflicts`' },
      { name: 'value', value: 'VALUE', help: 'replace all of them by this value' },
      { name: 'merge', help: 'let the resolver of the key merge them' },
      { name: 'undo', help: 'take back the last resolution of the key at this node, while nothing newer is there' },
      { name: 'field', value: 'FIELD', help: 'the field of a map that is in conflict' },
      { name: 'context', value: 'TOKEN', help: 'the context of `conflicts --json`; default: that of this moment' },
      ...commonOptions,
    ],
    examples: [
      'hearsay resolve greeting --pick 1',
      "hearsay resolve greeting --value 'hello to both'",
      'hearsay resolve greeting --undo',
    ],
    waits: 'settling',
    load: async () => (await import('./conflicts.js')).resolve,
  },
  {
    name: 'import',
    summary: 'store the entries of a file, or of - for stdin; entries that exist already are skipped',
    arguments: [{ name: 'FILE', required: true }],
    options: [
      {
        name: 'format',
        value: 'FORMAT',
        choices: ['jsonl', 'consul', 'tsv'],
        help: 'jsonl (of `export`), consul (of `consul kv export`) or tsv (key, tab, value); default: detected from the first entry',
      },
      ...commonOptions,
    ],
    examples: [
      'hearsay import export.jsonl',
      `echo '{"key":"a","value":"1"}' | hearsay import -`,
      'consul kv export | hearsay import -',
    ],
    load: async () => (await import('./transfer.js')).importFile,
  },
  {
    name: 'export',
    summary: 'print everything as JSON lines, every sibling kept',
    arguments: [prefix],
    options: commonOptions,
    examples: ['hearsay export > export.jsonl'],
    load: async () => (await import('./transfer.js')).exportAll,
  },
  {
    name: 'backup',
    summary: 'save the whole node to a file, or to - for stdout, while it runs',
    arguments: [{ name: 'FILE', required: true }],
    options: [{ name: 'force', help: 'replace the file if it exists' }, ...commonOptions],
    examples: ['hearsay backup attic.backup', 'hearsay backup - | gpg -e -r me > attic.backup.gpg'],
    load: async () => (await import('./backup.js')).backup,
  },
  {
    name: 'backup verify',
    summary: 'check that a backup is whole and can be restored, and count what is in it',
    arguments: [{ name: 'FILE', required: true }],
    options: [jsonOption],
    examples: ['hearsay backup verify attic.backup', 'gpg -d attic.backup.gpg | hearsay backup verify -'],
    load: async () => (await import('./backup-verify.js')).backupVerify,
  },
]

function withKeepAlive(spec: CommandSpec): CommandSpec {
  return {
    ...spec,
    options: [...spec.options.slice(0, -commonOptions.length), keepAliveOption, ...commonOptions],
    examples: [...(spec.examples ?? []), 'hearsay put presence/web1 10.0.0.7:80 --keep-alive caddy run'],
    load: async () => (await import('./keep-alive.js')).putOrKeepAlive,
  }
}

const mesh: readonly CommandSpec[] = [
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
  counter: 'counters: every increment counts, also concurrent ones',
  set: 'sets: an addition survives a removal that had not seen it',
  map: 'maps: every field keeps its own siblings',
  doc: 'documents: JSON whose parts merge',
  lab: 'a mesh of real daemons on this machine, to try everything on: cuts, slow links, crashes',
}

/** All commands, in the order of the help. */
export const commands: readonly CommandSpec[] = [...values, ...collectionCommands, ...mesh, ...labCommands, ...local]
