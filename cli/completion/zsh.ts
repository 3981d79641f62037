/** Completions for zsh. */
import type { CommandTable, OptionSpec } from '../command.js'
import {
  argumentPlaces,
  fileCommands,
  firstWords,
  flagsWithChoices,
  flagsWithValue,
  groupWords,
  listKeys,
  listMembers,
  placeFlags,
  singleQuoted,
} from './facts.js'

/** The script, for `source <(hearsay completion zsh)`. */
export function zshScript(table: CommandTable): string {
  const { commands, groups } = table
  const escaped = (name: string) => name.replace(' ', '\\ ')
  const described = firstWords(table).map((name) => [
    name,
    commands.find((one) => one.name === name)?.summary ?? groups[name]!,
  ])
  const names = described.map(([name, summary]) => `    '${name}:${singleQuoted(summary!).replaceAll(':', '\\:')}'`)
  const flags = commands.map(
    (command) => `    ${escaped(command.name)}) flags=(${command.options.map(zshFlag).join(' ')}) ;;`,
  )
  const words = groupWords(table).map(
    ([group, list]) => `    ${group}) (( CURRENT == 3 )) && compadd ${list.join(' ')} ;;`,
  )
  const choices = flagsWithChoices(table).map(([flag, list]) => `    ${flag}) compadd ${list.join(' ')}; return ;;`)
  const namesOf = (places: readonly [string, unknown][]) => places.map(([name]) => escaped(name)).join('|')
  return `#compdef hearsay
# hearsay completions for zsh: source <(hearsay completion zsh)
_hearsay() {
  local -a names flags keys place
  local name=$words[2] first=3 at count=0
  names=(
${names.join('\n')}
  )
  if (( CURRENT == 2 )); then
    _describe 'command' names
    return
  fi
  case $name in
${words.join('\n')}
  esac
  if [[ $name == (${Object.keys(groups).join('|')}) ]]; then
    (( CURRENT == 3 )) && return
    name="$name $words[3]" first=4
  fi
  for (( at = first; at < CURRENT; at++ )); do
    [[ $words[at] == (${placeFlags.join('|')}) ]] && place+=("$words[at]" "\${(Q)words[at+1]}")
    if [[ $words[at] == (${flagsWithValue(table).join('|')}) ]]; then (( at++ ))
    elif [[ $words[at] != -* ]]; then (( count++ ))
    fi
  done
  case $words[CURRENT-1] in
${choices.join('\n')}
    --file|--config) _files; return ;;
    --data|--dir) _files -/; return ;;
  esac
  case $name in
${flags.join('\n')}
  esac
  if [[ $words[CURRENT] == -* ]]; then
    _describe 'flag' flags
    return
  fi
  case $name in
    ${namesOf(argumentPlaces(table, ({ completesKeys }) => completesKeys === true))})
      if (( count == 0 )); then
        keys=(\${(f)"$(${listKeys} $place -- "\${(Q)words[CURRENT]}" 2>/dev/null </dev/null)"})
        compadd -a keys
      fi ;;
    ${namesOf(argumentPlaces(table, ({ completesMembers }) => completesMembers === true))})
      keys=(\${(f)"$(${listMembers} $place 2>/dev/null </dev/null)"})
      compadd -a keys ;;
    ${fileCommands.map(escaped).join('|')}) _files ;;
    completion) compadd bash zsh fish ;;
  esac
}
compdef _hearsay hearsay`
}

function zshFlag(option: OptionSpec): string {
  return `'--${option.name}:${singleQuoted(option.help).replaceAll(':', '\\:')}'`
}
