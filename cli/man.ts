/** The manual page, made from the table of commands. Pure. */
import type { ArgumentSpec, CommandSpec, CommandTable, OptionSpec } from './command.js'

/** Meanings of the exit codes of the command line. */
export const exitCodes: readonly (readonly [code: number, meaning: string])[] = [
  [0, 'done'],
  [1, 'failed'],
  [2, 'wrong usage'],
  [3, 'not found'],
  [4, 'conflict'],
  [5, 'too few acknowledgements or no quorum'],
  [6, 'daemon unreachable'],
  [7, 'timed out'],
]

const variables: readonly (readonly [name: string, meaning: string])[] = [
  ['HEARSAY_API', "the daemon's API, as --api"],
  ['HEARSAY_DATA', "the daemon's data directory, as --data"],
  ['HEARSAY_TOKEN', 'the API token, as --token'],
  ['HEARSAY_…', "every setting of the daemon; `hearsay config` names each one's variable"],
  ['NO_COLOR', 'set: no colours'],
  ['VISUAL, EDITOR', 'the editor of `hearsay doc edit`'],
]

const about = `hearsay is a peer-to-peer key-value store. Every node holds all data, takes writes while it is cut off from all
others, and becomes equal to them by itself. The command line talks to the daemon of this user, which is found by --api, else
by --data, else in the default data directory.`

/** The page in the language of man(7). */
export function manPage(table: CommandTable, version: string): string {
  return `${[
    `.TH HEARSAY 1 "" "hearsay ${version}" "User Commands"`,
    '.SH NAME',
    'hearsay \\- a peer\\-to\\-peer key\\-value store: always writable, converges by itself',
    '.SH SYNOPSIS',
    '.B hearsay',
    '.I COMMAND',
    '[\\fIARGUMENT\\fR ...] [\\fIOPTION\\fR ...]',
    '.SH DESCRIPTION',
    escapeRoff(about),
    '.SH COMMANDS',
    ...table.commands.flatMap(commandLines),
    '.SH EXIT STATUS',
    ...exitCodes.flatMap(([code, meaning]) => ['.TP', `.B ${code}`, escapeRoff(meaning)]),
    '.SH ENVIRONMENT',
    ...variables.flatMap(([name, meaning]) => ['.TP', `.B ${escapeRoff(name)}`, escapeRoff(meaning)]),
    '.SH FILES',
    '.TP',
    '.I ~/.local/share/hearsay',
    'the default data directory; $XDG_DATA_HOME/hearsay where that is set',
    '.SH SEE ALSO',
    escapeRoff('The folder docs/ of the package: TUTORIAL, OPERATIONS, CONFLICTS, JSON.'),
  ].join('\n')}\n`
}

function commandLines(command: CommandSpec): string[] {
  const words = [`\\fBhearsay ${escapeRoff(command.name)}\\fR`, ...command.arguments.map(argumentText)]
  return [
    '.SS',
    words.join(' '),
    escapeRoff(`${command.summary}.`),
    ...command.options.flatMap(optionLines),
    ...exampleLines(command.examples ?? []),
  ]
}

function argumentText({ name, required, variadic }: ArgumentSpec): string {
  const text = `\\fI${escapeRoff(name)}\\fR${variadic ? ' ...' : ''}`
  return required ? text : `[${text}]`
}

function optionLines({ name, short, value, valueOptional, help }: OptionSpec): string[] {
  const long = `\\fB${escapeRoff(`--${name}`)}\\fR`
  const taken =
    value === undefined ? '' : valueOptional ? `[=\\fI${escapeRoff(value)}\\fR]` : ` \\fI${escapeRoff(value)}\\fR`
  const brief = short === undefined ? '' : `\\fB${escapeRoff(`-${short}`)}\\fR, `
  return ['.TP', `${brief}${long}${taken}`, escapeRoff(help)]
}

function exampleLines(examples: readonly string[]): string[] {
  if (examples.length === 0) return []
  return ['.PP', '.RS', '.nf', ...examples.map(escapeRoff), '.fi', '.RE']
}

/** Text that roff prints as it is: no escapes, no requests, and dashes that can be copied. */
export function escapeRoff(text: string): string {
  const escaped = text.replaceAll('\\', '\\e').replaceAll('-', '\\-').replaceAll('`', '\\(ga').replaceAll("'", '\\(aq')
  return escaped.replaceAll(/^\./gm, '\\&.').replaceAll('…', '...')
}
