/** Runs one parsed call and reports: every failure becomes one exit code. */
import { systemFailure } from '../store/system-errors.js'
import { type Client, connect } from './client.js'
import { type CommandSpec, Invocation, type OptionValues } from './command.js'
import { exitOf, HearsayApiError, UsageError } from './failure.js'
import type { Parsed } from './fast.js'
import type { Io } from './io.js'
import { Output } from './output.js'
import { remedyOf } from './remedies.js'
import { WaitNotice } from './wait-notice.js'

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
    const waits = waitText(command, options)
    if (waits !== undefined) output.notice = new WaitNotice(io, waits)
    return (await action(new Invocation(io, output, positionals, options, connectOnce))) ?? 0
  } finally {
    output.notice?.stop()
    client?.close()
  }
}

/** Text on what a command waits for when it takes long; undefined for those that show how far they are themselves. */
function waitText({ waits }: CommandSpec, options: OptionValues): string | undefined {
  const asksOthers = ['acks', 'require-quorum', 'consistency'].some((name) => options[name] !== undefined)
  return waits ?? (asksOthers ? 'waiting for other nodes' : undefined)
}

/** True for commands of many requests, which keep their connection. */
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
      throw new UsageError(`invalid value '${value}' for --${name}: use one of ${choices.join(', ')}`)
    }
  }
}

/**
 * Prints an error and gives its exit code, whether or not it can be printed.
 * @param spec the command that met it; undefined when there is none
 */
export async function report(error: unknown, output: Output, spec: CommandSpec | undefined): Promise<number> {
  const command = spec?.name ?? ''
  if (error instanceof UsageError) {
    await output.error('USAGE', error.message, `see \`hearsay ${command === '' ? '' : `${command} `}--help\``)
    return usageExit
  }
  const { code, message, stack, details, exit } = describe(error)
  await output.error(code, message, remedyOf(code, { command, details }), details)
  if (code === 'INTERNAL' && stack !== undefined) await output.note(stack)
  return exit
}

interface Description {
  readonly code: string
  readonly message: string
  readonly stack?: string | undefined
  readonly details: Readonly<Record<string, unknown>>
  readonly exit: number
}

/** Describes an error: those of the daemon's own code have stable codes too; anything else is a defect. */
function describe(error: unknown): Description {
  const exit = exitOf('INTERNAL', 500)
  if (!(error instanceof Error)) return { code: 'INTERNAL', message: String(error), details: {}, exit }
  const { message, stack } = error
  if (error instanceof HearsayApiError) return { code: error.code, message, details: error.details, exit: error.exit }
  const { code, details = {} } = error as { code?: unknown; details?: Description['details'] }
  if (error.name === 'HearsayError' && typeof code === 'string') {
    return { code, message, stack, details, exit: exitOf(code, 500) }
  }
  const refused = systemFailure(error)
  if (refused === undefined) return { code: 'INTERNAL', message, stack, details: {}, exit }
  return { code: refused.code, message: refused.message, details: refused.details, exit: exitOf(refused.code, 503) }
}
