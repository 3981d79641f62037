/** Parses well-formed calls from the table alone, so that they need not load the full parser. */
import { type ParseArgsConfig, parseArgs } from 'node:util'
import type { CommandSpec, OptionValues } from './command.js'

/** A call, parsed. */
export interface Parsed {
  readonly command: CommandSpec
  readonly positionals: readonly string[]
  readonly options: OptionValues
}

/**
 * Parses a call.
 * @returns undefined for everything that is not a well-formed call of one command: the full parser then explains it.
 */
export function parseFast(argv: readonly string[], commands: readonly CommandSpec[]): Parsed | undefined {
  const command = commandOf(argv, commands)
  if (command === undefined || command.options.some((option) => option.valueOptional)) return undefined
  const { words, tail } = withoutTail(argv, commands)
  const options: NonNullable<ParseArgsConfig['options']> = {}
  for (const { name, short, value, repeatable, tail: isTail } of command.options) {
    if (isTail) continue
    const type = value === undefined ? 'boolean' : 'string'
    options[name] = { type, multiple: repeatable === true, ...(short !== undefined && { short }) }
  }
  try {
    const parsed = parseArgs({
      args: arranged(command, words.slice(wordsOf(command).length)),
      options,
      allowPositionals: true,
      strict: true,
    })
    if (!fits(command, parsed.positionals.length)) return undefined
    return { command, positionals: parsed.positionals, options: { ...parsed.values, ...tail } as OptionValues }
  } catch {
    return undefined
  }
}

/** The words of a command's name. */
export function wordsOf(command: CommandSpec): string[] {
  return command.name.split(' ')
}

/** The command that a call begins with, by as many words as fit; undefined when it begins with none. */
export function commandOf(argv: readonly string[], commands: readonly CommandSpec[]): CommandSpec | undefined {
  const fitting = commands.filter((command) => wordsOf(command).every((word, at) => argv[at] === word))
  return fitting.find((command) => wordsOf(command).length > 1) ?? fitting[0]
}

/**
 * Cuts off the words of another command behind a flag that takes them.
 * @returns the words before the flag, and its value by its name; a `--` behind the flag is no word of the other command
 */
export function withoutTail(
  argv: readonly string[],
  commands: readonly CommandSpec[],
): { words: readonly string[]; tail: OptionValues } {
  // Flags of all commands may stand before the command.
  const command =
    commandOf(argv, commands) ?? commands.find(({ name }) => argv[0]?.startsWith('-') && argv.includes(name))
  const option = command?.options.find(({ tail }) => tail)
  const at = option === undefined ? -1 : argv.indexOf(`--${option.name}`)
  const end = argv.indexOf('--')
  if (option === undefined || at === -1 || (end !== -1 && end < at)) return { words: argv, tail: {} }
  const rest = argv.slice(at + 1)
  return { words: argv.slice(0, at), tail: { [option.name]: rest[0] === '--' ? rest.slice(1) : rest } }
}

/** The arguments of a command in the form in which both parsers read them alike. */
export function arranged(command: CommandSpec, args: readonly string[]): string[] {
  return command.passesOn ? withTail(command, args) : signedLast(command, args)
}

/** Writes `--` behind the first argument: what follows are words of another command. */
function withTail(command: CommandSpec, args: readonly string[]): string[] {
  const takesNext = (arg: string) =>
    command.options.some(({ name, value }) => value !== undefined && arg === `--${name}`)
  let at = 0
  while (at < args.length && args[at]!.startsWith('-') && args[at] !== '--') at += takesNext(args[at]!) ? 2 : 1
  if (args[at] === '--') at++
  return args.length <= at + 1 ? [...args] : [...args.slice(0, at + 1), '--', ...args.slice(at + 1)]
}

/**
 * Negative numbers go behind `--`, where a command takes one as its last argument, so that they are not taken for
 * flags.
 */
function signedLast(command: CommandSpec, args: readonly string[]): string[] {
  if (!command.arguments.at(-1)?.signed || args.includes('--')) return [...args]
  const isNegative = (arg: string) => /^-\d+$/.test(arg)
  const negative = args.filter(isNegative)
  return negative.length === 0 ? [...args] : [...args.filter((arg) => !isNegative(arg)), '--', ...negative]
}

function fits(command: CommandSpec, count: number): boolean {
  const required = command.arguments.filter((argument) => argument.required).length
  const variadic = command.arguments.some((argument) => argument.variadic)
  return count >= required && (variadic || count <= command.arguments.length)
}
