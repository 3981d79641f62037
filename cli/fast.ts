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
  const options: NonNullable<ParseArgsConfig['options']> = {}
  for (const { name, value, repeatable } of command.options) {
    options[name] = { type: value === undefined ? 'boolean' : 'string', multiple: repeatable === true }
  }
  try {
    const parsed = parseArgs({
      args: signedLast(command, argv.slice(wordsOf(command).length)),
      options,
      allowPositionals: true,
      strict: true,
    })
    if (!fits(command, parsed.positionals.length)) return undefined
    return { command, positionals: parsed.positionals, options: { ...parsed.values } as OptionValues }
  } catch {
    return undefined
  }
}

/** The words of a command's name. */
export function wordsOf(command: CommandSpec): string[] {
  return command.name.split(' ')
}

/** The command that a call begins with; undefined when it begins with none. */
export function commandOf(argv: readonly string[], commands: readonly CommandSpec[]): CommandSpec | undefined {
  return commands.find((command) => wordsOf(command).every((word, at) => argv[at] === word))
}

/** Negative numbers go behind `--`, where a command takes one as its last argument, so that they are not taken for flags. */
export function signedLast(command: CommandSpec, args: readonly string[]): string[] {
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
