/**
 * The processes of a lab: started apart from the command that starts them, found again by the number each writes down,
 * ended.
 */
import { spawn, spawnSync } from 'node:child_process'
import { closeSync, existsSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { HearsayApiError } from '../failure.js'
import { filePollMs, killMsMax, lastWordsCharacters, readyMsMax } from './limits.js'
import { argumentsOf, environmentOf, type LabRecord, type Places, type Programs, switchName } from './plan.js'

const ownerOnlyFile = 0o600

/** The processes of one lab. */
export class Processes {
  readonly #places: Places
  readonly #record: LabRecord
  readonly #environment: NodeJS.ProcessEnv

  constructor(places: Places, record: LabRecord, environment: NodeJS.ProcessEnv) {
    this.#places = places
    this.#record = record
    this.#environment = environment
  }

  /**
   * Starts a process that goes on when this one ends; resolves with its ready line. Throws LAB_FAILED with its last
   * words.
   */
  async start(name: string, signal?: AbortSignal): Promise<string> {
    const { ready, log, pid } = this.#places
    rmSync(pid(name), { force: true })
    const [out, err] = [openSync(ready(name), 'w', ownerOnlyFile), openSync(log(name), 'a', ownerOnlyFile)]
    try {
      const child = spawn(process.execPath, argumentsOf(name, this.#record, this.#places, programs()), {
        detached: true,
        stdio: ['ignore', out, err],
        env: environmentOf(this.#environment),
      })
      child.unref()
      const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()).once('error', () => resolve()))
      return await this.#ready(name, ended, signal)
    } finally {
      closeSync(out)
      closeSync(err)
    }
  }

  async #ready(name: string, ended: Promise<void>, signal?: AbortSignal): Promise<string> {
    let hasEnded = false
    void ended.then(() => {
      hasEnded = true
    })
    const found = await poll(readyMsMax, filePollMs, signal, () => {
      const printed = this.printed(name)
      return printed.includes('"ready"') && printed.endsWith('\n') ? printed : hasEnded ? '' : undefined
    })
    if (found) return found
    throw new HearsayApiError('LAB_FAILED', 0, `${name} did not start: ${this.#lastWords(name)}`, { node: name })
  }

  #lastWords(name: string): string {
    const path = this.#places.log(name)
    const last = readIfThere(path).trim().slice(-lastWordsCharacters)
    return last === '' ? `its log, ${path}, is empty` : `its log, ${path}, ends with: ${last}`
  }

  /** Output of a process since its start; empty when it has not been started. */
  printed(name: string): string {
    return readIfThere(this.#places.ready(name))
  }

  /** The number of the process while it runs. */
  pid(name: string): number | undefined {
    const pid = Number(readIfThere(this.#places.pid(name)))
    return pid > 0 && isOurs(pid, this.#places.directory) ? pid : undefined
  }

  /** All that run. */
  running(): string[] {
    const { runFolder } = this.#places
    const files = existsSync(runFolder) ? readdirSync(runFolder) : []
    const names = files.filter((file) => file.endsWith('.pid')).map((file) => file.slice(0, -'.pid'.length))
    return names.filter((name) => this.pid(name) !== undefined)
  }

  /** True while the switch runs. */
  get hasSwitch(): boolean {
    return this.pid(switchName) !== undefined
  }

  /** Sends a signal and waits until the process is gone. Throws TIMED_OUT. */
  async end(name: string, signal: 'SIGTERM' | 'SIGKILL', limitMs = killMsMax): Promise<void> {
    const pid = this.pid(name)
    if (pid !== undefined) {
      send(pid, signal)
      const isGone = await poll(limitMs, filePollMs, undefined, () => (this.pid(name) === undefined ? true : undefined))
      if (isGone === undefined) {
        throw new HearsayApiError('TIMED_OUT', 0, `${name} (process ${pid}) has not ended within ${limitMs / 1000} s`)
      }
    }
    rmSync(this.#places.ready(name), { force: true })
    rmSync(this.#places.pid(name), { force: true })
  }

  /** Kills everything, until nothing is left. */
  async killAll(): Promise<number> {
    let killed = 0
    for (let names = this.running(); names.length > 0; names = this.running()) {
      await Promise.all(names.map((name) => this.end(name, 'SIGKILL')))
      killed += names.length
    }
    return killed
  }
}

/** Looks again and again until there is something; undefined when the time is over. Rejects when the signal aborts. */
export async function poll<T>(
  limitMs: number,
  pauseMs: number,
  signal: AbortSignal | undefined,
  look: () => T | undefined | Promise<T | undefined>,
): Promise<T | undefined> {
  const untilMs = performance.now() + limitMs
  for (;;) {
    signal?.throwIfAborted()
    const found = await look()
    if (found !== undefined || performance.now() > untilMs) return found
    await pause(pauseMs)
  }
}

/** Sends a signal to a process, which may have ended a moment ago. */
function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

/** True if the process is there and its command line names the lab: numbers of processes are given out again. */
function isOurs(pid: number, directory: string): boolean {
  try {
    process.kill(pid, 0)
  } catch {
    return false
  }
  // Who has ended and was not yet reaped has no command line.
  const line = existsSync('/proc/self/cmdline')
    ? readIfThere(`/proc/${pid}/cmdline`)
    : (spawnSync('ps', ['-o', 'args=', '-p', String(pid)], { encoding: 'utf8' }).stdout ?? '')
  return ['/', '\0', ' ', '\n'].some((next) => line.includes(directory + next))
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

/**
 * The built programs: beside the built command line, or below dist/ when it runs from the sources. Throws INTERNAL when
 * there are none.
 */
function programs(): Programs {
  for (const folder of ['./', '../', '../../dist/cli/']) {
    const [guest, main, hearsay] = ['lab/guest.js', 'lab/switch-main.js', 'hearsay.js'].map(
      (file) => new URL(folder + file, import.meta.url),
    )
    if (![guest!, main!, hearsay!].every((url) => existsSync(fileURLToPath(url)))) continue
    return { guest: guest!.href, switch: fileURLToPath(main!), hearsay: fileURLToPath(hearsay!) }
  }
  throw new HearsayApiError('INTERNAL', 0, 'the lab is not built: run `npm run build`')
}
