/**
 * The daemon as a process: starts it, prints the ready line, stops it on a signal, starts it again when it asks for
 * that.
 */
import './polyfill.js'
import { realpathSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { HearsayError } from '../store/errors.js'
import { systemFailure } from '../store/system-errors.js'
import type { Start } from './call-hint.js'
import type { Config } from './config/load.js'
import { boundHeap, realHeap } from './heap.js'
import type { Log } from './log/log.js'
import { realEnvironment } from './net/real-environment.js'
import { readyLine } from './ready-line.js'
import { RestartBudget, restartsMax, restartWindowMs } from './restart-budget.js'
import { type Restart, RestartNeeded, RunningDaemon, type StartOptions } from './running.js'
import { ServiceManager } from './service-manager.js'

/**
 * Time for stopping before the process ends regardless, in milliseconds. Acknowledged writes are on the disk by then.
 */
const stopMsMax = 4_500

/** Network errors that libraries let escape now and then; they say nothing about this process. */
const harmlessCodes = new Set(['ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH', 'ECONNREFUSED'])

/**
 * Runs a daemon until SIGTERM, SIGINT or SIGHUP. `options` are the flags by their long names, repeatable ones as lists.
 * Rejects with a HearsayError when it cannot start. Ends the process with 0 once it has stopped. A daemon that needs a
 * new start, to repair its store or under another peer id, gets it in the same process.
 */
export async function runDaemon(options: Record<string, unknown>): Promise<void> {
  boundHeap(realHeap(realEnvironment))
  const signal = nextSignal()
  const manager = new ServiceManager()
  let log: Log | undefined
  guardProcess(() => log)
  const onLog = (made: Log) => {
    log = made
  }
  const newBudget = () => new RestartBudget(() => realEnvironment.monotonicMs())
  const budget = newBudget()
  const diskBudget = newBudget()
  for (let after: Restart | undefined; ; ) {
    after = await runOnce({ flags: options, mayRestart: () => diskBudget.take() }, { signal, manager, onLog }, after)
    // A new identity is needed but once, and a disk that works again has asked before; damage may come again and again.
    if (after.kind !== 'damage' || budget.take()) continue
    const message = `${after.reason}; it restarted ${restartsMax} times in ${restartWindowMs / 60_000} minutes: move the data directory to another disk`
    throw new HearsayError('STORE_FAILED', message)
  }
}

/** Surroundings of the runs of one process. */
interface RunSurroundings {
  readonly signal: Promise<string>
  readonly manager: ServiceManager
  /** Called with the log of each run. */
  onLog(log: Log): void
}

/**
 * Runs until a signal ends the process, or resolves with the reason why the daemon, which has stopped, needs a new
 * start.
 */
async function runOnce(
  options: Pick<StartOptions, 'flags' | 'mayRestart'>,
  { signal, manager, onLog }: RunSurroundings,
  after: Restart | undefined,
): Promise<Restart> {
  const started = RunningDaemon.start({ ...options, environment: process.env, ...(after && { after }) })
  const first = await Promise.race([started.catch(needsRestart), signal])
  if (typeof first === 'string') {
    endProcessLater(0)
    await started.then(({ daemon }) => daemon.stop()).catch(() => {})
    return process.exit(0)
  }
  if (first instanceof RestartNeeded) return first.restart
  const { daemon, ready } = first
  logWarnings(daemon.log)
  onLog(daemon.log)
  process.stdout.write(readyLine(ready, daemon.config.settings.logFormat, startOf(daemon.config)))
  if (!(await manager.ready(`node ${ready.node}, data in ${daemon.config.settings.data}`)) && manager.isPresent) {
    const message = 'systemd-notify could not be run: the service manager does not know that this daemon is ready'
    daemon.log.warn({ event: 'notNotified' }, `${message}; install it, or use Type=exec in the unit`)
  }
  const end = await Promise.race([
    signal.then((name) => ({ signal: name })),
    daemon.restartNeeded.then((restart) => ({ restart })),
  ])
  if ('signal' in end) daemon.log.info({ event: 'stopping', ...end }, 'stopping')
  else {
    daemon.log.info({ event: 'restarting', reason: end.restart.reason }, 'restarting')
    void manager.restarting(end.restart.reason)
  }
  if ('signal' in end) {
    endProcessLater(0)
    void manager.stopping()
    await daemon.stop()
    return process.exit(0)
  }
  // What does not stop in time is ended with the process; whoever supervises it starts it again.
  const overdue = endProcessLater(1)
  await daemon.stop()
  clearTimeout(overdue)
  return end.restart
}

function startOf({ settings, origins }: Config): Start {
  const root = fileURLToPath(new URL('../../', import.meta.url)).replace(/\/$/, '')
  return {
    entry: fileURLToPath(new URL('../cli/hearsay.js', import.meta.url)),
    root,
    environment: process.env,
    workingDirectory: workingDirectory(),
    data: settings.data,
    isDefaultData: origins.data === 'default',
    realPath,
  }
}

/** One that was removed is none. */
function workingDirectory(): string {
  try {
    return process.cwd()
  } catch {
    return '/'
  }
}

function realPath(path: string): string | undefined {
  try {
    return realpathSync(path)
  } catch {
    return undefined
  }
}

function needsRestart(error: unknown): RestartNeeded {
  if (error instanceof RestartNeeded) return error
  throw error
}

/**
 * Resolves with the first signal that asks to stop; a second one ends the process at once. SIGHUP is the end of the
 * terminal that the daemon was started from; nothing is read again at it, since settings hold for a whole run.
 */
function nextSignal(): Promise<string> {
  // Without a listener Node opens a debugger at it: a way into the process for whoever runs as this user.
  process.on('SIGUSR1', () => {})
  return new Promise((resolve) => {
    for (const name of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
      process.once(name, () => {
        resolve(name)
        process.on(name, () => process.exit(1))
      })
    }
  })
}

function endProcessLater(exitCode: number): NodeJS.Timeout {
  return setTimeout(() => process.exit(exitCode), stopMsMax).unref()
}

/** Sends Node's own warnings to the log. */
function logWarnings(log: Log): void {
  process.removeAllListeners('warning')
  process.on('warning', (warning) => log.warn({ event: 'runtimeWarning', warning: warning.name }, warning.message))
}

/**
 * A reader of stdout or stderr that went away is no reason to stop; an error that nobody caught is, unless it is the
 * network's. `currentLog` returns that of the daemon; undefined before there is one.
 */
function guardProcess(currentLog: () => Log | undefined): void {
  process.stdout.on('error', () => {})
  process.stderr.on('error', () => {})
  const report = (error: unknown) => {
    const reason = ((error ?? {}) as { code?: string }).code
    if (reason !== undefined && harmlessCodes.has(reason)) return
    const refused = systemFailure(error)
    const code = refused?.code ?? (error instanceof HearsayError ? error.code : 'INTERNAL')
    const text = refused?.message ?? String((error as Error)?.stack ?? error)
    const log = currentLog()
    if (log === undefined) process.stderr.write(`error ${code}: ${text}\n`)
    else log.error({ event: 'uncaught', code, err: error }, refused?.message ?? 'an error that nothing handled')
  }
  process.on('unhandledRejection', report)
  process.on('uncaughtException', (error: NodeJS.ErrnoException) => {
    report(error)
    if (error.code === undefined || !harmlessCodes.has(error.code)) process.exit(1)
  })
}
