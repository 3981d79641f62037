/**
 * Damage in the files of the store, which only a new start can repair: remembered on the disk, shown, and that start
 * asked for.
 */
import type { OpenedStore } from '../../store/open.js'
import type { Log } from '../log/log.js'

/** Dependencies of the handling of damage. */
export interface TableDamageOptions {
  readonly opened: Pick<OpenedStore, 'salvageAtNextStart'>
  readonly log: Log
  /** Asks for a new start, once, after the mark for it is on the disk. */
  onRestartNeeded(reason: string): void
}

const found =
  'damage was found in the files of the store; the daemon restarts, saves everything else into a new store and fetches what is lost from peers'
const unmarked =
  'damage was found in the files of the store, and it could not be marked for being saved at the next start; check disk space and health, then restart the daemon'

/** Handles damage in the files of one store. */
export class TableDamage {
  readonly #options: TableDamageOptions
  #warning: string | undefined

  constructor(options: TableDamageOptions) {
    this.#options = options
  }

  /** Warning for the operator; undefined while no damage was found. */
  get warning(): string | undefined {
    return this.#warning
  }

  /** Damage was found, by whatever means. Resolves when the mark is on the disk, or could not be put there. */
  async found(): Promise<void> {
    if (this.#warning !== undefined) return
    const { opened, log, onRestartNeeded } = this.#options
    this.#warning = found
    log.error({ event: 'filesDamaged' }, found)
    try {
      await opened.salvageAtNextStart()
    } catch (err) {
      this.#warning = unmarked
      return log.error({ event: 'filesDamaged', err }, unmarked)
    }
    onRestartNeeded(found)
  }
}
