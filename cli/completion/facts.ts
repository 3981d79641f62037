/** Facts about the commands of a table that the completions of every shell need. Pure. */
import type { ArgumentSpec, CommandSpec, CommandTable, OptionSpec } from '../command.js'

/**
 * Call that prints keys that begin with what is typed, asked of the daemon; flags of the place and the prefix go behind
 * it.
 */
export const listKeys = 'hearsay ls --limit 100'
/** Call that prints the names of the members. */
export const listMembers = 'hearsay members --names'

/** Flags that name the daemon: what completes keys and members must ask the same one. */
export const placeFlags = ['--api', '--data', '--token'] as const

/** Flags whose value is a file, and a directory. */
export const fileFlags = ['--file', '--config', '--output'] as const
export const folderFlags = ['--data', '--dir'] as const

/** Commands whose argument is a file. */
export const fileCommands = ['import', 'backup', 'restore', 'lab run'] as const

/** The first words of all commands, each once. */
export function firstWords({ commands }: CommandTable): string[] {
  return [...new Set(commands.map(({ name }) => name.split(' ')[0]!))]
}

/** The second words of each group. */
export function groupWords({ commands, groups }: CommandTable): [group: string, words: string[]][] {
  const inGroups = commands.map(({ name }) => name.split(' ')).filter(({ length }) => length > 1)
  return Object.keys(groups).map((group) => [
    group,
    inGroups.filter(([first]) => first === group).map(([, word]) => word!),
  ])
}

/**
 * Names of the commands of which an argument is wanted, each with the place of that argument (from 0) or `any` for one
 * that repeats.
 */
export function argumentPlaces(
  { commands }: CommandTable,
  isWanted: (argument: ArgumentSpec) => boolean,
): [name: string, place: number | 'any'][] {
  return commands.flatMap((command): [string, number | 'any'][] => {
    const at = command.arguments.findIndex(isWanted)
    if (at < 0) return []
    return [[command.name, command.arguments[at]!.variadic ? 'any' : at]]
  })
}

/** The flags of a command, with dashes. */
export function flagsOf(command: CommandSpec): string[] {
  return [...command.options.map((option) => `--${option.name}`), '--help']
}

/** All flags that are followed by a value, in any command. */
export function flagsWithValue({ commands }: CommandTable): string[] {
  const options = commands.flatMap((command) => command.options).filter(takesWord)
  return [...new Set(options.map(({ name }) => `--${name}`))].toSorted()
}

/** Flags whose values are a few words, each with those. */
export function flagsWithChoices({ commands }: CommandTable): [flag: string, words: readonly string[]][] {
  const found = new Map<string, readonly string[]>()
  for (const { name, choices } of commands.flatMap((command) => command.options)) {
    if (choices !== undefined) found.set(`--${name}`, choices)
  }
  return [...found]
}

/** True if the value of an option is a word of its own. */
export function takesWord(option: OptionSpec): boolean {
  return option.value !== undefined && option.valueOptional !== true
}

/** Escapes a text for single quotes of bash and zsh. */
export function singleQuoted(text: string): string {
  return text.replaceAll("'", "'\\''")
}
