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
  const command = commands.find(({ name }) => name === argv[0])
  if (command === undefined || command.options.some((option) => option.valueOptional)) return undefined
  const options: NonNullable<ParseArgsConfig['options']> = {}
  for (const { name, value, repeatable } of command.options) {
    options[name] = { type: value === undefined ? 'boolean' : 'string', multiple: repeatable === true }
  }
  try {
    const parsed = parseArgs({ args: argv.slice(1), options, allowPositionals: true, strict: true })
    if (!fits(command, parsed.positionals.length)) return undefined
    return { command, positionals: parsed.positionals, options: { ...parsed.values } as OptionValues }
  } catch {
    return undefined
  }
}

function fits(command: CommandSpec, count: number): boolean {
  const required = command.arguments.filter((argument) => argument.required).length
  const variadic = command.arguments.some((argument) => argument.variadic)
  return count >= required && (variadic || count <= command.arguments.length)
}
