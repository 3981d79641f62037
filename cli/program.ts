/** The full parser and the help, made from the table with commander; loaded when the fast parser has no answer. */
import { Command, CommanderError, Option } from 'commander'
import type { CommandSpec, OptionSpec, OptionValues } from './command.js'
import { commonOptions } from './commands/quick.js'
import { commands, groups } from './commands/table.js'
import { packageVersion } from './commands/version.js'
import { UsageError } from './failure.js'
import { arranged, commandOf, type Parsed, withoutTail, wordsOf } from './fast.js'
import type { Io } from './io.js'
import { Output } from './output.js'
import { commandMeant } from './suggestion.js'

/**
 * Parses a call. Help and version are printed to stdout.
 * @returns undefined when the call was for help or the version and is done.
 * @throws UsageError for every wrong call.
 */
export async function parseFully(argv: readonly string[], io: Io): Promise<Parsed | undefined> {
  let parsed: Parsed | undefined
  const help: string[] = []
  const { words, tail } = withoutTail(argv, commands)
  const program = makeProgram(io, help, (found) => {
    parsed = { ...found, options: { ...found.options, ...tail } }
  })
  try {
    if (argv.length === 0) throw new UsageError('there is no command')
    await program.parseAsync(withArranged(words), { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    if (error.exitCode !== 0) throw new UsageError(explained(error, argv))
    await new Output(io).bytes(help.join(''))
    return undefined
  }
  return parsed
}

/**
 * The parser's words, with what was probably meant; and for what may have been meant as a value how it is given as one.
 */
function explained({ code, message }: CommanderError, argv: readonly string[]): string {
  const text = message.replace(/^error: /, '').replace(/\s*\(Did you mean (.*)\?\)/s, '; did you mean $1?')
  if (code === 'commander.unknownCommand') return unknownCommand(text)
  const spec = commandOf(argv, commands)
  if (code !== 'commander.unknownOption' || spec === undefined || spec.arguments.length === 0) return text
  const [, option = ''] = /'(.*)'/s.exec(text) ?? []
  return `${text}${text.endsWith('?') ? '' : '.'} If it is a value, write -- before it: hearsay ${spec.name} … -- '${option}'`
}

function unknownCommand(text: string): string {
  const [, word = ''] = /unknown command '(.*?)'/s.exec(text) ?? []
  const names = commands.map(({ name }) => name)
  const meant = commandMeant(word, [...new Set(names.map((name) => name.split(' ')[0]!))], names)
  return `unknown command '${word}'${meantText(meant)}`
}

function meantText(name: string | undefined): string {
  return name === undefined ? '' : `; did you mean \`hearsay ${name}\`?`
}

function makeProgram(io: Io, help: string[], found: (parsed: Parsed) => void): Command {
  const program = new Command('hearsay')
    .description('A peer-to-peer key-value store: always writable, converges by itself, loses nothing to a conflict')
    .version(packageVersion(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print help')
    .enablePositionalOptions()
    .showSuggestionAfterError(true)
    .exitOverride()
    .configureOutput(outputOf(io, help))
    .addHelpText('after', exitCodeHelp)
  for (const option of commonOptions) program.addOption(optionOf(option).hideHelp())
  const parents = new Map<string, Command>()
  for (const spec of commands) parents.set(spec.name, addCommand(parentOf(program, spec, parents), spec, found))
  return program
}

/** Collects help, so that a failed write of it can be reported. */
function outputOf(io: Io, help: string[]) {
  return {
    writeOut: (text: string) => void help.push(text),
    // Errors are printed by the caller, in one form for all.
    writeErr: () => {},
    getOutHelpWidth: () => io.columns,
    getOutHasColors: () => io.stdoutTerminal,
  }
}

/** Returns the parent of a command: for one of two words that of its group, which only prints help. */
function parentOf(program: Command, spec: CommandSpec, parents: Map<string, Command>): Command {
  const [group, word] = wordsOf(spec)
  if (word === undefined) return program
  const known = parents.get(group!)
  if (known !== undefined) return known
  const parent = program
    .command(group!)
    .description(groups[group!] ?? '')
    .helpOption('-h, --help', 'print help')
    .enablePositionalOptions()
  for (const option of commonOptions) parent.addOption(optionOf(option).hideHelp())
  // Without one of its words a group does nothing; too many arguments are explained by what may follow it.
  parent.allowExcessArguments().action(() => {
    const words = parent.commands.map((command) => command.name())
    const meant = parent.args[0] === undefined ? undefined : commandMeant(parent.args[0], words)
    const text = `'${group}' needs one of: ${words.join(', ')}`
    throw new UsageError(text + meantText(meant === undefined ? undefined : `${group} ${meant}`))
  })
  parents.set(group!, parent)
  return parent
}

function withArranged(argv: readonly string[]): string[] {
  const spec = commandOf(argv, commands)
  if (spec === undefined) return [...argv]
  const { length } = wordsOf(spec)
  return [...argv.slice(0, length), ...arranged(spec, argv.slice(length))]
}

function addCommand(program: Command, spec: CommandSpec, found: (parsed: Parsed) => void): Command {
  const command = program
    .command(wordsOf(spec).at(-1)!)
    .description(spec.summary)
    .helpOption('-h, --help', 'print help')
  for (const { name, required, variadic } of spec.arguments) {
    const text = variadic ? `${name}...` : name
    command.argument(required ? `<${text}>` : `[${text}]`)
  }
  for (const option of spec.options) command.addOption(optionOf(option))
  if (spec.examples) command.addHelpText('after', `\nExamples:\n${spec.examples.map((line) => `  ${line}`).join('\n')}`)
  command.action(() => {
    const options = { ...shared(command.optsWithGlobals(), spec), ...longNames(command.opts(), spec) }
    found({ command: spec, positionals: command.args, options })
  })
  return command
}

function optionOf({ name, short, value, valueOptional, repeatable, help }: OptionSpec): Option {
  const metavar = value === undefined ? '' : valueOptional ? ` [${value}]` : ` <${value}>`
  const option = new Option(`${short === undefined ? '' : `-${short}, `}--${name}${metavar}`, help)
  if (valueOptional) option.preset('true')
  if (repeatable) option.argParser((text: string, list: string[] = []) => [...list, text])
  return option
}

/**
 * Flags given before the command, those that it has. `--api` means an address to serve to the daemon, so it is left out
 * there.
 */
function shared(values: OptionValues, spec: CommandSpec): OptionValues {
  const known = new Set(spec.options.filter((option) => !option.repeatable).map((option) => option.name))
  return Object.fromEntries(Object.entries(values).filter(([name]) => known.has(name)))
}

/** Commander names options in camel case; the table does not. */
function longNames(values: Record<string, unknown>, spec: CommandSpec): OptionValues {
  const entries = spec.options.map((option) => [option.name, values[optionOf(option).attributeName()]] as const)
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined)) as OptionValues
}

const exitCodeHelp = `
Each command has its own help: hearsay COMMAND --help

Exit codes:
  0 done   1 failed   2 wrong usage   3 not found   4 conflict
  5 too few acknowledgements or no quorum   6 daemon unreachable   7 timed out`
