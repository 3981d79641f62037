/**
 * Notifies systemd, or whoever else set NOTIFY_SOCKET, of the daemon's state: ready, alive, stopping. Node has no Unix
 * datagrams, so systemd's own helper sends them; the unit must have NotifyAccess=all.
 */
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import type { Readable, Writable } from 'node:stream'

/**
 * Time that one message may take, in milliseconds: the helper waits until the service manager, which may be busy, has
 * read it.
 */
const notifyMsMax = 10_000

/** Beats in the time after which the service manager takes the daemon for stuck: two may get lost. */
const beatsEachWatchdog = 3

/**
 * Sends each line of its stdin and answers it with an exit code. A small process that is started once: forking the
 * daemon itself for each beat stops its event loop for longer, the more memory it has. It ends with the daemon, and not
 * by the signals that a service manager sends to all processes of a service.
 */
const relayScript = `trap '' TERM INT HUP
while IFS= read -r line; do systemd-notify "$line" >/dev/null 2>&1; echo "$?"; done`

type Relay = ChildProcessByStdio<Writable, Readable, null>

/** Service manager that started this process; without one, nothing is sent. */
export class ServiceManager {
  readonly #environment: NodeJS.ProcessEnv
  /** Messages that the relay has not answered yet, in order. */
  readonly #waiting: ((isSent: boolean) => void)[] = []
  #relay: Relay | undefined
  #beat: NodeJS.Timeout | undefined

  constructor(environment: NodeJS.ProcessEnv = process.env) {
    this.#environment = environment
  }

  /** True if there is one that wants to be notified. */
  get isPresent(): boolean {
    return Boolean(this.#environment.NOTIFY_SOCKET)
  }

  /**
   * Notifies it that the daemon is ready, and from then on that it is alive, if it asks for that. Resolves whether the
   * first could be sent.
   */
  async ready(status: string): Promise<boolean> {
    void this.#send(`STATUS=${status}`)
    const isSent = await this.#send('READY=1')
    this.#beginToBeat()
    return isSent
  }

  /** Notifies it that the daemon restarts within its process, and why. */
  async restarting(reason: string): Promise<void> {
    await this.#send(`STATUS=restarting: ${reason}`)
  }

  /** Notifies it that the daemon stops, and ends the beats. */
  async stopping(): Promise<void> {
    clearInterval(this.#beat)
    const sent = this.#send('STOPPING=1')
    this.#relay?.stdin.end()
    await sent
  }

  #beginToBeat(): void {
    const intervalMs = watchdogIntervalMs(this.#environment, process.pid)
    if (!this.isPresent || intervalMs === undefined || this.#beat !== undefined) return
    const beat = () => {
      if (this.#waiting.length === 0) void this.#send('WATCHDOG=1')
    }
    this.#beat = setInterval(beat, intervalMs).unref()
  }

  /** Sends one assignment: a line break would begin another one. */
  #send(assignment: string): Promise<boolean> {
    if (!this.isPresent) return Promise.resolve(false)
    const { stdin } = this.#runningRelay()
    return new Promise((resolve) => {
      const overdue = setTimeout(() => resolve(false), notifyMsMax).unref()
      this.#waiting.push((isSent) => {
        clearTimeout(overdue)
        resolve(isSent)
      })
      stdin.write(`${assignment.replace(/[\r\n]+/g, ' ')}\n`)
    })
  }

  #runningRelay(): Relay {
    if (this.#relay !== undefined) return this.#relay
    const options = { env: this.#environment, stdio: ['pipe', 'pipe', 'ignore'] as ['pipe', 'pipe', 'ignore'] }
    const relay = spawn('/bin/sh', ['-c', relayScript], options)
    this.#relay = relay
    relay.stdin.on('error', () => {})
    relay.stdout.on('data', (answers: Buffer) => {
      for (const code of answers.toString().trimEnd().split('\n')) this.#waiting.shift()?.(code === '0')
    })
    // A relay that is gone is started again by the next message.
    const ended = () => {
      this.#relay = undefined
      for (const answer of this.#waiting.splice(0)) answer(false)
    }
    relay.once('error', ended).once('close', ended)
    letEnd(relay)
    return relay
  }
}

/** Lets this process end while the relay still runs. */
function letEnd(relay: Relay): void {
  relay.unref()
  for (const stream of [relay.stdin, relay.stdout]) (stream as Partial<{ unref(): void }>).unref?.()
}

/**
 * Time between two beats in milliseconds, from the variables of the service manager; undefined when it asks for none,
 * or asks another process.
 */
export function watchdogIntervalMs(environment: NodeJS.ProcessEnv, pid: number): number | undefined {
  const { WATCHDOG_USEC, WATCHDOG_PID } = environment
  const watchdogMs = Number(WATCHDOG_USEC) / 1000
  const isOurs = WATCHDOG_PID === undefined || WATCHDOG_PID === '' || Number(WATCHDOG_PID) === pid
  return isOurs && watchdogMs > 0 && Number.isFinite(watchdogMs)
    ? Math.max(1, watchdogMs / beatsEachWatchdog)
    : undefined
}
