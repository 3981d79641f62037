/** Import: turns exported lines, or the short form, into ordinary writes; importing a file twice adds nothing. */
import { importFailuresMax } from '../../../protocols/api/limits.js'
import type { ImportSummary } from '../../../protocols/api/transfer.js'
import { errorCodes, HearsayError } from '../../../store/errors.js'
import type { Contents } from '../../views/data-view.js'
import { importGroupBytes, importGroupLines } from '../limits.js'
import { hearsayError } from '../problem.js'
import { type ImportedLine, type ImportedVersion, parseLine } from './import-lines.js'
import type { TransferLine } from './lines.js'

/** Runs one import. */
export class Importer {
  readonly #contents: Contents
  readonly #valueBytesMax: number
  readonly #nowMs: number
  readonly #checkClock: () => void
  /** Writes of the group of lines that is read now, and of the group before, which is on its way to the disk. */
  #group: Promise<void>[] = []
  #groupBytes = 0
  #before: Promise<unknown> = Promise.resolve()
  #imported = 0
  #skipped = 0
  #failures = 0
  /** A failure of the daemon, not of a line: the import ends with it. */
  #fatal: HearsayError | undefined
  #failed: ImportSummary['failed'][number][] = []

  /**
   * `nowMs`: when the import began; a `ttl` counts from then. `checkClock` throws when the clock is not to be trusted
   * with one.
   */
  constructor(contents: Contents, valueBytesMax: number, nowMs: number, checkClock: () => void) {
    this.#contents = contents
    this.#valueBytesMax = valueBytesMax
    this.#nowMs = nowMs
    this.#checkClock = checkClock
  }

  /** Imports every line. A bad line is reported and skipped; a failed store ends the import with its error. */
  async run(chunks: AsyncIterable<readonly TransferLine[]>): Promise<ImportSummary> {
    let number = 0
    for await (const lines of chunks) {
      for (const line of lines) {
        number++
        if (line !== null && isBlank(line)) continue
        this.#start(line, number)
        if (this.#group.length >= importGroupLines || this.#groupBytes >= importGroupBytes) await this.#nextGroup()
        if (this.#fatal !== undefined) break
      }
      if (this.#fatal !== undefined) break
    }
    await this.#nextGroup()
    await this.#before
    if (this.#fatal !== undefined) throw this.#fatal
    return { imported: this.#imported, skipped: this.#skipped, failed: this.#failed, failures: this.#failures }
  }

  /** The write is begun at once and in the order of the lines; only its end is waited for elsewhere. */
  #start(line: TransferLine, number: number): void {
    this.#groupBytes += line?.length ?? 0
    const count = (isNew: boolean) => {
      if (isNew) this.#imported++
      else this.#skipped++
    }
    this.#group.push(this.#import(line).then(count, (error: unknown) => this.#fail(number, error)))
  }

  /** Begins another group once the one before this is stored: one is read while one is written, and no more. */
  async #nextGroup(): Promise<void> {
    const before = this.#before
    this.#before = Promise.all(this.#group)
    this.#group = []
    this.#groupBytes = 0
    await before
  }

  /** Resolves whether anything of the line was news. */
  async #import(line: TransferLine): Promise<boolean> {
    const imported = this.#read(line)
    if (imported.kind === 'member') return this.#contents.importMember(imported.key, imported.member)
    if (imported.kind === 'counter') return this.#contents.importCounter(imported.key, imported.value)
    if (imported.kind === 'json') return this.#contents.importJson(imported.key, imported.json, this.#valueBytesMax)
    if (imported.kind === 'document') return this.#importDocument(imported.key, imported.versions)
    const { address, versions } = imported
    const live = versions.filter((version) => version.expiresAtMs === null || version.expiresAtMs > this.#nowMs)
    if (imported.kind === 'opaque') return this.#contents.importOpaque(address, live)
    const write = ({ value, expiresAtMs }: ImportedVersion, extra: boolean) =>
      this.#contents.importVersion(address, value, { expiresAtMs, extra })
    if (live.length === 1) return write(live[0]!, false)
    // The winner is written last, so that it is the winner here too.
    const writes = live.reverse().map((version, at) => write(version, at > 0))
    return (await Promise.all(writes)).includes(true)
  }

  async #importDocument(key: string, versions: readonly ImportedVersion[]): Promise<boolean> {
    const news = await Promise.all(versions.map(({ value }) => this.#contents.importDocument(key, value)))
    return news.includes(true)
  }

  #read(line: TransferLine): ImportedLine {
    if (line === null) throw new HearsayError('TOO_LARGE', 'the line is over the limit')
    const parsed = parseLine(line, () => {
      this.#checkClock()
      return this.#nowMs
    })
    for (const { value } of 'versions' in parsed ? parsed.versions : []) {
      if (value.length > this.#valueBytesMax) {
        throw new HearsayError(
          'TOO_LARGE',
          `a value is over the limit of ${this.#valueBytesMax} bytes (values.maxBytes)`,
        )
      }
    }
    return parsed
  }

  #fail(line: number, thrown: unknown): void {
    const error = hearsayError(thrown)
    if (errorCodes[error.code].status >= 500) {
      this.#fatal ??= error
      return
    }
    this.#failures++
    if (this.#failed.length < importFailuresMax) this.#failed.push({ line, code: error.code, message: error.message })
  }
}

/** True if a line is empty or blank: what an editor leaves at the end, and the rest of a line that ends with CRLF. */
function isBlank(line: Buffer): boolean {
  return line.every((byte) => byte === 0x20 || byte === 0x09 || byte === 0x0d)
}
