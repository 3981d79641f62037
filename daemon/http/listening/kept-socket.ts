/** The API's Unix socket, kept where clients look for it: one whose file was removed is made again. */
import { lstatSync } from 'node:fs'
import type { Environment, Timer } from '../../../store/environment.js'
import type { Log } from '../../log/log.js'
import type { Listeners } from './listeners.js'
import { prepareSocket, removeSocket, type SocketPlace } from './socket-path.js'

/** Interval at which the file is looked for, in milliseconds. */
const socketLookMs = 1_000

/** Dependencies of the socket. */
export interface KeptSocketOptions {
  readonly listeners: Pick<Listeners, 'listenUnix'>
  readonly place: SocketPlace
  readonly environment: Pick<Environment, 'setTimer'>
  readonly log: Log
}

/** One socket. */
export class KeptSocket {
  readonly #options: KeptSocketOptions
  #path = ''
  #timer: Timer | undefined
  #lastFailure: string | undefined
  #isStopped = false

  constructor(options: KeptSocketOptions) {
    this.#options = options
  }

  /** Listens; resolves with the path of the socket. The caller holds the data directory's lock. */
  async open(): Promise<string> {
    await this.#listen()
    this.#later()
    return this.#path
  }

  /** Looks no more, and removes the file. */
  stop(): void {
    this.#isStopped = true
    this.#timer?.cancel()
    removeSocket(this.#path, this.#options.place.dataDirectory)
  }

  async #listen(): Promise<void> {
    this.#path = prepareSocket(this.#options.place)
    await this.#options.listeners.listenUnix(this.#path)
  }

  #later(): void {
    this.#timer = this.#options.environment.setTimer(socketLookMs, () => void this.#look())
  }

  async #look(): Promise<void> {
    const { log } = this.#options
    try {
      if (lstatSync(this.#path, { throwIfNoEntry: false }) === undefined) {
        await this.#listen()
        log.warn(
          { event: 'socketMadeAgain', path: this.#path },
          'the socket of the API had been removed; it was made again',
        )
        this.#lastFailure = undefined
      }
    } catch (error) {
      const { message } = error as Error
      if (message !== this.#lastFailure)
        log.warn({ event: 'socketFailed', path: this.#path }, `the socket of the API cannot be made: ${message}`)
      this.#lastFailure = message
    }
    if (!this.#isStopped) this.#later()
  }
}
