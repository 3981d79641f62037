/** The table of the commands of values: what is stored, listed, watched, moved. */
import type { ArgumentSpec, CommandSpec, OptionSpec } from '../command.js'
import { commonOptions, contextOption, getCommand, jsonOption, keyArgument, nodesOptions, putCommand } from './quick.js'

const prefix: ArgumentSpec = { name: 'PREFIX', required: false, completesKeys: true }

/** The flag of `put` that runs a command; the quick path does not know it, and hands such a call on. */
const keepAliveOption: OptionSpec = {
  name: 'keep-alive',
  value: 'CMD...',
  tail: true,
  help: 'run CMD, keep the key alive as long, then delete it; exit with the code of CMD. --ttl: how soon it goes when the machine does',
}

/** Commands of values, in the order of the help. */
export const valueCommands: readonly CommandSpec[] = [
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
