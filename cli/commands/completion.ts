/** `hearsay completion`: completions for bash, zsh and fish, made from the table of commands. */
import type { Action, CommandSpec, OptionSpec } from '../command.js'
import { UsageError } from '../failure.js'
import { commands } from './table.js'

/** Prints the completions of a shell. */
export const completion: Action = async (invocation) => {
  const shell = invocation.argument(0)
  const script = Object.hasOwn(scripts, shell) ? scripts[shell as keyof typeof scripts] : undefined
  if (script === undefined) throw new UsageError(`there are no completions for '${shell}': bash, zsh or fish`)
  await invocation.output.line(script())
}

const scripts = { bash: bashScript, zsh: zshScript, fish: fishScript } as const

/** Keys that start with what is typed, asked of the daemon; silent when there is none. */
const listKeys = 'hearsay ls --limit 100'

function completesKeys(command: CommandSpec): boolean {
  return command.arguments.some((argument) => argument.completesKeys)
}

function flagsOf(command: CommandSpec): string[] {
  return [...command.options.map((option) => `--${option.name}`), '--help']
}

function namesWithKeys(separator: string): string {
  return commands
    .filter(completesKeys)
    .map((command) => command.name)
    .join(separator)
}

function bashScript(): string {
  const flags = commands.map((command) => `    ${command.name}) flags='${flagsOf(command).join(' ')}' ;;`)
  return `# hearsay completions for bash: source <(hearsay completion bash)
_hearsay() {
  local word=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD-1]} flags=
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    mapfile -t COMPREPLY < <(compgen -W '${commands.map(({ name }) => name).join(' ')}' -- "$word")
    return
  fi
  case $before in
    --file|--config) compopt -o default; return ;;
    --data) compopt -o default -o dirnames; return ;;
    completion) mapfile -t COMPREPLY < <(compgen -W 'bash zsh fish' -- "$word"); return ;;
  esac
  case \${COMP_WORDS[1]} in
${flags.join('\n')}
  esac
  if [[ $word == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$flags" -- "$word")
    return
  fi
  case \${COMP_WORDS[1]} in
    ${namesWithKeys('|')}) [ "$COMP_CWORD" -eq 2 ] && mapfile -t COMPREPLY < <(${listKeys} -- "$word" 2>/dev/null </dev/null) ;;
    import|backup|restore) compopt -o default ;;
  esac
}
complete -F _hearsay hearsay`
}

function zshScript(): string {
  const names = commands.map(({ name, summary }) => `    '${name}:${quoted(summary).replaceAll(':', '\\:')}'`)
  const flags = commands.map((command) => `    ${command.name}) flags=(${command.options.map(zshFlag).join(' ')}) ;;`)
  return `#compdef hearsay
# hearsay completions for zsh: source <(hearsay completion zsh)
_hearsay() {
  local -a names flags keys
  names=(
${names.join('\n')}
  )
  if (( CURRENT == 2 )); then
    _describe 'command' names
    return
  fi
  case $words[2] in
${flags.join('\n')}
  esac
  if [[ $words[CURRENT] == -* ]]; then
    _describe 'flag' flags
    return
  fi
  case $words[2] in
    ${namesWithKeys('|')})
      if (( CURRENT == 3 )); then
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

function fishScript(): string {
  const lines = commands.flatMap((command) => [
    `complete -c hearsay -n __fish_use_subcommand -a ${command.name} -d '${fishQuoted(command.summary)}'`,
    ...command.options.map((option) => fishFlag(command, option)),
  ])
  return `# hearsay completions for fish: hearsay completion fish > ~/.config/fish/completions/hearsay.fish
complete -c hearsay -f
${lines.join('\n')}
complete -c hearsay -n '__fish_seen_subcommand_from completion' -a 'bash zsh fish'
complete -c hearsay -n '__fish_seen_subcommand_from import backup restore' -F
complete -c hearsay -n '__fish_seen_subcommand_from ${namesWithKeys(' ')}' -a '(${listKeys} -- (commandline -ct) 2>/dev/null </dev/null)'`
}

function fishFlag(command: CommandSpec, option: OptionSpec): string {
  const needsValue = option.value !== undefined && !option.valueOptional
  const files = ['file', 'config', 'data'].includes(option.name) ? ' -F' : ''
  return `complete -c hearsay -n '__fish_seen_subcommand_from ${command.name}' -l ${option.name}${needsValue ? ' -r' : ''}${files} -d '${fishQuoted(option.help)}'`
}

/** For single quotes of bash and zsh. */
function quoted(text: string): string {
  return text.replaceAll("'", "'\\''")
}

function fishQuoted(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")
}
