/** Completions for fish. */
import type { CommandSpec, CommandTable, OptionSpec } from '../command.js'
import { argumentPlaces, fileCommands, listKeys, listMembers, placeFlags, takesWord } from './facts.js'

/** The script, for a file in fish's folder of completions. */
export function fishScript(table: CommandTable): string {
  const { commands, groups } = table
  const lines = commands.flatMap((command) => [
    fishName(table, command),
    ...command.options.map((one) => fishFlag(command, one)),
  ])
  const parents = Object.entries(groups).map(
    ([group, summary]) => `complete -c hearsay -n __fish_use_subcommand -a ${group} -d '${fishQuoted(summary)}'`,
  )
  const asked = (places: readonly [string, unknown][], call: string) =>
    places.map(([name]) => `complete -c hearsay -n '${fishSeen(name)}' -a '(${call} 2>/dev/null </dev/null)'`)
  const keys = argumentPlaces(table, ({ completesKeys }) => completesKeys === true)
  const members = argumentPlaces(table, ({ completesMembers }) => completesMembers === true)
  return `# hearsay completions for fish: hearsay completion fish > ~/.config/fish/completions/hearsay.fish
function __hearsay_place
  set -l tokens (commandline -opc)
  for at in (seq (count $tokens))
    contains -- $tokens[$at] ${placeFlags.join(' ')}; and printf '%s\\n' $tokens[$at] $tokens[(math $at + 1)]
  end
end
complete -c hearsay -f
${[...parents, ...lines].join('\n')}
complete -c hearsay -n '__fish_seen_subcommand_from completion' -a 'bash zsh fish'
${fileCommands.map((name) => `complete -c hearsay -n '${fishSeen(name)}' -F`).join('\n')}
${asked(keys, `${listKeys} (__hearsay_place) -- (commandline -ct)`).join('\n')}
${asked(members, `${listMembers} (__hearsay_place)`).join('\n')}`
}

function fishName(table: CommandTable, command: CommandSpec): string {
  const [group, word] = command.name.split(' ')
  const summary = fishQuoted(command.summary)
  if (word === undefined) return `complete -c hearsay -n __fish_use_subcommand -a ${group} -d '${summary}'`
  // The first word may be a command of its own, and no group.
  const words = table.commands.flatMap(({ name }) => {
    const [first, second] = name.split(' ')
    return first === group && second !== undefined ? [second] : []
  })
  const isOpen = `__fish_seen_subcommand_from ${group}; and not __fish_seen_subcommand_from ${words.join(' ')}`
  return `complete -c hearsay -n '${isOpen}' -a ${word} -d '${summary}'`
}

/** Fish condition: the words of a command are in the line. */
function fishSeen(name: string): string {
  return name
    .split(' ')
    .map((word) => `__fish_seen_subcommand_from ${word}`)
    .join('; and ')
}

function fishFlag(command: CommandSpec, option: OptionSpec): string {
  const choices = option.choices === undefined ? '' : ` -a '${option.choices.join(' ')}'`
  const isFile = ['file', 'config', 'output', 'data', 'dir'].includes(option.name)
  const value = isFile ? ' -r -F' : takesWord(option) ? ' -x' : ''
  return `complete -c hearsay -n '${fishSeen(command.name)}' -l ${option.name}${value}${choices} -d '${fishQuoted(option.help)}'`
}

function fishQuoted(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")
}
