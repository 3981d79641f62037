/** Runs the command of a user as if it had been called in our place: its streams are ours, and signals go on to it. */
import { type ChildProcess, spawn } from 'node:child_process'
import { constants } from 'node:os'

/** Signals that end or steer a program; the terminal sends the first two to the command by itself. */
const ofTerminal: readonly NodeJS.Signals[] = ['SIGINT', 'SIGQUIT']
const forwarded: readonly NodeJS.Signals[] = ['SIGTERM', 'SIGHUP', 'SIGUSR1', 'SIGUSR2', 'SIGCONT']

/** Exit codes of a shell for a command that is not there, and for one that cannot be run. */
const notFoundExit = 127
const notRunnableExit = 126

/** Surroundings of a command. */
export interface CommandSurroundings {
  readonly environment: NodeJS.ProcessEnv
  /** True if this process stands before a terminal, whose Ctrl-C reaches the command too. */
  readonly terminal: boolean
}

/**
 * Outcome of a command: its exit code, 128 and the number of a signal that ended it, and why it did not run if it did
 * not.
 */
export interface CommandEnd {
  readonly exit: number
  readonly failure?: Error
}

/** Runs a command to its end. */
export function runChild(
  command: readonly string[],
  { environment, terminal }: CommandSurroundings,
): Promise<CommandEnd> {
  const [program, ...args] = command
  const child = spawn(program!, args, { env: environment, stdio: 'inherit' })
  const stopForwarding = forwardSignals(child, terminal)
  return new Promise<CommandEnd>((resolve) => {
    child.once('error', (failure: NodeJS.ErrnoException) => {
      resolve({ exit: failure.code === 'ENOENT' ? notFoundExit : notRunnableExit, failure })
    })
    child.once('exit', (code, signal) => resolve({ exit: code ?? 128 + constants.signals[signal!] }))
  }).finally(stopForwarding)
}

/** Hands signals on to a child; those that a terminal sends to both are only kept from ending this process. */
function forwardSignals(child: ChildProcess, terminal: boolean): () => void {
  const keep = () => {}
  const forward = (signal: NodeJS.Signals) => void child.kill(signal)
  const listeners = new Map<NodeJS.Signals, (signal: NodeJS.Signals) => void>([
    ...forwarded.map((signal) => [signal, forward] as const),
    ...ofTerminal.map((signal) => [signal, terminal ? keep : forward] as const),
  ])
  for (const [signal, listener] of listeners) process.on(signal, listener)
  return () => {
    for (const [signal, listener] of listeners) process.off(signal, listener)
  }
}
