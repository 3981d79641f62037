/** Runs one parsed call and reports: every failure becomes one exit code. */
import { type Client, connect } from './client.js'
import { type CommandSpec, Invocation, type OptionValues } from './command.js'
import { exitOf, HearsayApiError, remedyOf, UsageError } from './failure.js'
import type { Parsed } from './fast.js'
import type { Io } from './io.js'
import { Output } from './output.js'

/** Exit code of a wrong call. */
const usageExit = 2

/**
 * Runs a call.
 * @returns the exit code
 */
export async function run(parsed: Parsed, io: Io): Promise<number> {
  const output = new Output(io, parsed.options.json === true)
  try {
    return await execute(parsed, io, output)
  } catch (error) {
    return report(error, output, parsed.command)
  }
}

async function execute({ command, positionals, options }: Parsed, io: Io, output: Output): Promise<number> {
  checkChoices(command, options)
  let client: Client | undefined
  const connectOnce = () => {
    client ??= connect({ ...connectionOf(options), environment: io.environment, keepAlive: keepsAlive(command) })
    return client
  }
  try {
    const action = await command.load()
    return (await action(new Invocation(io, output, positionals, options, connectOnce))) ?? 0
  } finally {
    client?.close()
  }
}

/** Commands of many requests keep their connection. */
function keepsAlive(command: CommandSpec): boolean {
  return !['put', 'get'].includes(command.name)
}

function connectionOf(options: OptionValues): { api?: string; data?: string; token?: string } {
  const names = ['api', 'data', 'token'] as const
  return Object.fromEntries(names.flatMap((name) => (typeof options[name] === 'string' ? [[name, options[name]]] : [])))
}

function checkChoices(command: CommandSpec, options: OptionValues): void {
  for (const { name, choices } of command.options) {
    const value = options[name]
    if (choices && typeof value === 'string' && !choices.includes(value)) {
      throw new UsageError(`--${name} '${value}' is none of ${choices.join(', ')}`)
    }
  }
}

/** Prints an error and gives its exit code. */
export async function report(error: unknown, output: Output, command: CommandSpec | undefined): Promise<number> {
  if (error instanceof UsageError) {
    await output.error('USAGE', error.message, `see \`hearsay ${command ? `${command.name} ` : ''}--help\``)
    return usageExit
  }
  if (error instanceof HearsayApiError) {
    await output.error(error.code, error.message, remedyOf(error.code), error.details)
    return error.exit
  }
  const { code, message, stack } = describe(error)
  await output.error(code, message, remedyOf(code))
  if (code === 'INTERNAL' && stack) await output.note(stack)
  return exitOf(code, 500)
}

/** Errors of the daemon's own code carry stable codes too; anything else is a defect. */
function describe(error: unknown): { code: string; message: string; stack?: string | undefined } {
  if (!(error instanceof Error)) return { code: 'INTERNAL', message: String(error) }
  const { code } = error as { code?: unknown }
  const known = error.name === 'HearsayError' && typeof code === 'string'
  return { code: known ? code : 'INTERNAL', message: error.message, stack: error.stack }
}
