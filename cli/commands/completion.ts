/** `hearsay completion`: completions for bash, zsh and fish, made from the table of commands. */
import type { Action, CommandTable } from '../command.js'
import { bashScript } from '../completion/bash.js'
import { fishScript } from '../completion/fish.js'
import { zshScript } from '../completion/zsh.js'
import { UsageError } from '../failure.js'

const scripts = { bash: bashScript, zsh: zshScript, fish: fishScript } as const

/** Makes the action that prints the completions of a shell for the commands of a table. */
export function completionOf(table: CommandTable): Action {
  return async (invocation) => {
    const shell = invocation.argument(0)
    const script = Object.hasOwn(scripts, shell) ? scripts[shell as keyof typeof scripts] : undefined
    if (script === undefined) throw new UsageError(`no completions for '${shell}': use bash, zsh or fish`)
    await invocation.output.line(script(table))
  }
}
