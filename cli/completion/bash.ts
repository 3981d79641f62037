/** Completions for bash. */
import type { CommandTable } from '../command.js'
import {
  argumentPlaces,
  fileCommands,
  fileFlags,
  firstWords,
  flagsOf,
  flagsWithChoices,
  flagsWithValue,
  folderFlags,
  groupWords,
  listKeys,
  listMembers,
  placeFlags,
} from './facts.js'

/** The script, for `source <(hearsay completion bash)`. */
export function bashScript(table: CommandTable): string {
  const escaped = (name: string) => name.replace(' ', '\\ ')
  const groups = groupWords(table).map(([group, names]) => `    ${group}) words='${names.join(' ')}' ;;`)
  const flags = table.commands.map(
    (command) => `    ${escaped(command.name)}) flags='${flagsOf(command).join(' ')}' ;;`,
  )
  const choices = flagsWithChoices(table).map(([flag, words]) => `    ${flag}) words='${words.join(' ')}' ;;`)
  const wanted = (kind: string, places: readonly [string, number | 'any'][]) =>
    places.map(([name, place]) => `    ${escaped(name)}:${place === 'any' ? '*' : place}) kind=${kind} ;;`)
  const kinds = [
    ...wanted(
      'keys',
      argumentPlaces(table, ({ completesKeys }) => completesKeys === true),
    ),
    ...wanted(
      'members',
      argumentPlaces(table, ({ completesMembers }) => completesMembers === true),
    ),
    ...fileCommands.map((name) => `    ${escaped(name)}:*) kind=files ;;`),
    '    completion:0) kind=shells ;;',
  ]
  return `# hearsay completions for bash: source <(hearsay completion bash)
_hearsay() {
  # The line is split at spaces alone: bash itself also splits words at colons, which keys may have.
  local IFS=$' \\t\\n' line=\${COMP_LINE:0:COMP_POINT} words= flags= kind= name= count=0 word before= at place=() typed=()
  read -ra typed <<< "$line"
  [[ $line == *[[:space:]] ]] && typed+=('')
  local last=$((\${#typed[@]} - 1))
  word=\${typed[last]}
  for ((at = 1; at < last; at++)); do
    case \${typed[at]} in
      ${placeFlags.join('|')}) place+=("\${typed[at]}" "\${typed[at+1]}") ;;
      ${placeFlags.map((flag) => `${flag}=*`).join('|')}) place+=("\${typed[at]}") ;;
    esac
    case \${typed[at]} in
      ${flagsWithValue(table).join('|')}) before=\${typed[at]}; ((at + 1 < last)) && ((at++)) && before= ;;
      -*) before= ;;
      *)
        before=
        if [ -z "$name" ]; then name=\${typed[at]}
        elif [ -n "$words" ]; then name="$name \${typed[at]}" words=
        else ((count++))
        fi
        [ "$count" -eq 0 ] && [[ $name != *' '* ]] && case $name in
${groups.join('\n')}
        esac ;;
    esac
  done
  if [ -n "$before" ]; then
    words=
    case $before in
${choices.join('\n')}
      ${fileFlags.join('|')}) compopt -o default 2>/dev/null; return ;;
      ${folderFlags.join('|')}) compopt -o default -o dirnames 2>/dev/null; return ;;
    esac
    _hearsay_reply "$word" "\${words// /$'\\n'}"
    return
  fi
  case $name in
    '') words='${firstWords(table).join(' ')}' flags='--help --version' ;;
${flags.join('\n')}
  esac
  if [[ $word == -* ]]; then
    _hearsay_reply "$word" "\${flags// /$'\\n'}"
    return
  fi
  if [ -n "$words" ]; then
    _hearsay_reply "$word" "\${words// /$'\\n'}"
    return
  fi
  case $name:$count in
${kinds.join('\n')}
  esac
  case $kind in
    keys) _hearsay_reply "$word" "$(${listKeys} "\${place[@]}" -- "$word" 2>/dev/null </dev/null)" ;;
    members) _hearsay_reply "$word" "$(${listMembers} "\${place[@]}" 2>/dev/null </dev/null)" ;;
    shells) _hearsay_reply "$word" $'bash\\nzsh\\nfish' ;;
    files) compopt -o default 2>/dev/null ;;
  esac
}
# Offers those of some words, one a line, that begin with what is typed; without what bash takes for a word before a colon.
_hearsay_reply() {
  local before= one quoted
  [[ $1 == *:* && $COMP_WORDBREAKS == *:* ]] && before=\${1%"\${1##*:}"}
  COMPREPLY=()
  local list=$2
  [[ $list == *$'\n'* || $list != *' '* ]] || list=\${list// /$'\n'}
  while IFS= read -r one; do
    [[ -n $one && $one == "$1"* ]] || continue
    printf -v quoted '%q' "\${one#"$before"}"
    COMPREPLY+=("$quoted")
  done <<< "$2"
}
complete -F _hearsay hearsay`
}
