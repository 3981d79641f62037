/** `hearsay completion`: completions for bash, zsh and fish, made from the table of commands. */
import type { Action, CommandSpec, CommandTable, OptionSpec } from '../command.js'
import { UsageError } from '../failure.js'

/** Makes the action that prints the completions of a shell for the commands of a table. */
export function completionOf(table: CommandTable): Action {
  return async (invocation) => {
    const shell = invocation.argument(0)
    const script = Object.hasOwn(scripts, shell) ? scripts[shell as keyof typeof scripts] : undefined
    if (script === undefined) throw new UsageError(`no completions for '${shell}': use bash, zsh or fish`)
    await invocation.output.line(script(table))
  }
}

const scripts = { bash: bashScript, zsh: zshScript, fish: fishScript } as const

/** Keys that start with what is typed, asked of the daemon; silent when there is none. */
const listKeys = 'hearsay ls --limit 100'

/** The first words of all commands, each once. */
function firstWords({ commands }: CommandTable): string[] {
  return [...new Set(commands.map(({ name }) => name.split(' ')[0]!))]
}

/** The second words of each group. */
function groupWords({ commands, groups }: CommandTable): [group: string, words: string[]][] {
  const inGroups = commands.map(({ name }) => name.split(' ')).filter(({ length }) => length > 1)
  return Object.keys(groups).map((group) => [
    group,
    inGroups.filter(([first]) => first === group).map(([, word]) => word!),
  ])
}

function completesKeys(command: CommandSpec): boolean {
  return command.arguments.some((argument) => argument.completesKeys)
}

function flagsOf(command: CommandSpec): string[] {
  return [...command.options.map((option) => `--${option.name}`), '--help']
}

function namesWithKeys({ commands }: CommandTable): string {
  return commands
    .filter(completesKeys)
    .map((command) => command.name.replace(' ', '\\ '))
    .join('|')
}

function bashScript(table: CommandTable): string {
  const flags = table.commands.map(
    (command) => `    ${command.name.replace(' ', '\\ ')}) flags='${flagsOf(command).join(' ')}' ;;`,
  )
  const words = groupWords(table).map(([group, names]) => `    ${group}) words='${names.join(' ')}' ;;`)
  return `# hearsay completions for bash: source <(hearsay completion bash)
_hearsay() {
  local word=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD-1]} flags= words= name=\${COMP_WORDS[1]} first=2
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    mapfile -t COMPREPLY < <(compgen -W '${firstWords(table).join(' ')}' -- "$word")
    return
  fi
  case $name in
${words.join('\n')}
  esac
  if [ -n "$words" ]; then
    if [ "$COMP_CWORD" -eq 2 ]; then
      mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
      return
    fi
    name="$name \${COMP_WORDS[2]}" first=3
  fi
  case $before in
    --file|--config) compopt -o default; return ;;
    --data|--dir) compopt -o default -o dirnames; return ;;
    completion) mapfile -t COMPREPLY < <(compgen -W 'bash zsh fish' -- "$word"); return ;;
  esac
  case $name in
${flags.join('\n')}
  esac
  if [[ $word == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$flags" -- "$word")
    return
  fi
  case $name in
    ${namesWithKeys(table)}) [ "$COMP_CWORD" -eq "$first" ] && mapfile -t COMPREPLY < <(${listKeys} -- "$word" 2>/dev/null </dev/null) ;;
    import|backup|restore) compopt -o default ;;
  esac
}
complete -F _hearsay hearsay`
}

function zshScript(table: CommandTable): string {
  const { commands, groups } = table
  const described = firstWords(table).map((name) => [
    name,
    commands.find((one) => one.name === name)?.summary ?? groups[name]!,
  ])
  const names = described.map(([name, summary]) => `    '${name}:${quoted(summary!).replaceAll(':', '\\:')}'`)
  const flags = commands.map(
    (command) => `    ${command.name.replace(' ', '\\ ')}) flags=(${command.options.map(zshFlag).join(' ')}) ;;`,
  )
  const words = groupWords(table).map(
    ([group, list]) => `    ${group}) (( CURRENT == 3 )) && compadd ${list.join(' ')} ;;`,
  )
  return `#compdef hearsay
# hearsay completions for zsh: source <(hearsay completion zsh)
_hearsay() {
  local -a names flags keys
  local name=$words[2] first=3
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
  case $name in
${flags.join('\n')}
  esac
  if [[ $words[CURRENT] == -* ]]; then
    _describe 'flag' flags
    return
  fi
  case $name in
    ${namesWithKeys(table)})
      if (( CURRENT == first )); then
        keys=(\${(f)"$(${listKeys} -- "$words[CURRENT]" 2>/dev/null </dev/null)"})
        compadd -a keys
      fi ;;
    completion) compadd bash zsh fish ;;
    *) _files ;;
  esac
}
compdef _hearsay hearsay`
}

function zshFlag(option: OptionSpec): string {
  return `'--${option.name}:${quoted(option.help).replaceAll(':', '\\:')}'`
}

function fishScript(table: CommandTable): string {
  const { commands, groups } = table
  const lines = commands.flatMap((command) => [
    fishName(table, command),
    ...command.options.map((one) => fishFlag(command, one)),
  ])
  const parents = Object.entries(groups).map(
    ([group, summary]) => `complete -c hearsay -n __fish_use_subcommand -a ${group} -d '${fishQuoted(summary)}'`,
  )
  const withKeys = commands.filter(completesKeys).map((command) => `'${fishSeen(command)}'`)
  const keys = withKeys.map(
    (seen) => `complete -c hearsay -n ${seen} -a '(${listKeys} -- (commandline -ct) 2>/dev/null </dev/null)'`,
  )
  return `# hearsay completions for fish: hearsay completion fish > ~/.config/fish/completions/hearsay.fish
complete -c hearsay -f
${[...parents, ...lines].join('\n')}
complete -c hearsay -n '__fish_seen_subcommand_from completion' -a 'bash zsh fish'
complete -c hearsay -n '__fish_seen_subcommand_from import backup restore' -F
${keys.join('\n')}`
}

function fishName(table: CommandTable, command: CommandSpec): string {
  const [group, word] = command.name.split(' ')
  const summary = fishQuoted(command.summary)
  if (word === undefined) return `complete -c hearsay -n __fish_use_subcommand -a ${group} -d '${summary}'`
  // The first word may be a command of its own.
  const words = table.commands
    .map(({ name }) => name.split(' '))
    .flatMap(([first, second]) => (first === group && second ? [second] : []))
  const isOpen = `__fish_seen_subcommand_from ${group}; and not __fish_seen_subcommand_from ${words.join(' ')}`
  return `complete -c hearsay -n '${isOpen}' -a ${word} -d '${summary}'`
}

/** Fish condition: the words of a command are in the line. */
function fishSeen(command: CommandSpec): string {
  return command.name
    .split(' ')
    .map((word) => `__fish_seen_subcommand_from ${word}`)
    .join('; and ')
}

function fishFlag(command: CommandSpec, option: OptionSpec): string {
  const needsValue = option.value !== undefined && !option.valueOptional
  const files = ['file', 'config', 'data', 'dir'].includes(option.name) ? ' -F' : ''
  return `complete -c hearsay -n '${fishSeen(command)}' -l ${option.name}${needsValue ? ' -r' : ''}${files} -d '${fishQuoted(option.help)}'`
}

/** Escapes a text for single quotes of bash and zsh. */
function quoted(text: string): string {
  return text.replaceAll("'", "'\\''")
}

function fishQuoted(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")
}
