/** A store that failed while writing: the disk is tried until it works again, and then a new start asked for. */
import { randomBytes } from 'node:crypto'
import { type FileHandle, open, rm, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import type { Environment, Timer } from '../../store/environment.js'
import { systemCodeOf } from '../../store/system-errors.js'
import type { Log } from '../log/log.js'

/** First pause between two tries of a disk, and the longest, in milliseconds; it doubles. */
export const diskTryMs = 1_000
export const diskTryMsMax = 60_000
/**
 * Bytes that a disk must take before it is believed: what the store writes at its next opening (its log as a table),
 * and as much again.
 */
export const diskProofBytes = 16 * 1024 * 1024
/** Files that must be free to be opened beside. */
const proofFiles = 8
const proofName = 'disk.proof'

/** Dependencies of the recovery. */
export interface DiskRecoveryOptions {
  readonly dataDirectory: string
  readonly environment: Pick<Environment, 'setTimer'>
  readonly log: Log
  /** True if one more new start is allowed now, which is then counted. */
  mayRestart(): boolean
  /** Asks for a new start, once, after the disk was proven to take writes. */
  onRestartNeeded(reason: string): void
  /** Tries the disk; rejects with why it fails. Another one only in tests. */
  readonly prove?: (dataDirectory: string) => Promise<void>
}

/**
 * Recovery from a failed write. After one nobody knows what is on the disk, so nothing in memory may be relied on, and
 * no write may follow in this run. Once the disk takes writes again, only reading it again tells what is there: see
 * docs/decisions/0020.
 */
export class DiskRecovery {
  readonly #options: DiskRecoveryOptions
  #timer: Timer | undefined
  #pauseMs = diskTryMs
  #isUnderWay = false
  #isStopped = false
  #warning: string | undefined

  constructor(options: DiskRecoveryOptions) {
    this.#options = options
  }

  /** Warning for the operator; undefined while the disk has not failed. */
  get warning(): string | undefined {
    return this.#warning
  }

  /** The store failed. Safe to call again. */
  failed(): void {
    if (this.#isUnderWay || this.#isStopped) return
    this.#isUnderWay = true
    this.#warning = 'the disk is tried from time to time; as soon as it takes writes the daemon restarts by itself'
    this.#later()
  }

  /** Tries no more. */
  stop(): void {
    this.#isStopped = true
    this.#timer?.cancel()
  }

  #later(): void {
    this.#timer = this.#options.environment.setTimer(this.#pauseMs, () => void this.#try())
    this.#pauseMs = Math.min(2 * this.#pauseMs, diskTryMsMax)
  }

  async #try(): Promise<void> {
    const { dataDirectory, log, mayRestart, onRestartNeeded, prove = proveDisk } = this.#options
    try {
      await prove(dataDirectory)
    } catch (error) {
      if (this.#isStopped) return
      log.debug({ reason: (error as Error).message, system: systemCodeOf(error) }, 'the disk does not take writes yet')
      return this.#later()
    }
    if (this.#isStopped) return
    // A disk that fails again and again is not followed: between the starts clients are served what is there.
    if (mayRestart()) onRestartNeeded('the disk takes writes again, after one had failed')
    else this.#later()
  }
}

/**
 * Resolves when the disk of a directory takes bytes durably, and files can be opened. Leaves nothing behind, and does
 * not take the last space.
 */
export async function proveDisk(dataDirectory: string): Promise<void> {
  const { bavail, bsize } = await statfs(dataDirectory)
  if (bavail * bsize < diskProofBytes) {
    throw Object.assign(new Error(`less than ${diskProofBytes} bytes are free`), { code: 'ENOSPC' })
  }
  const path = join(dataDirectory, proofName)
  const opened: FileHandle[] = []
  try {
    const file = await open(path, 'w', 0o600)
    opened.push(file)
    while (opened.length < proofFiles) opened.push(await open(dataDirectory, 'r'))
    const chunk = randomBytes(1024 * 1024)
    for (let left = diskProofBytes; left > 0; left -= chunk.length) await file.write(chunk)
    await file.sync()
  } finally {
    for (const file of opened) await file.close().catch(() => {})
    await rm(path, { force: true }).catch(() => {})
  }
}
