/** Import: turns exported lines, or the short form, into ordinary writes; importing a file twice adds nothing. */
import { errorCodes, HearsayError } from '../../store/errors.js'
import type { Registers } from '../services.js'
import { importFailuresMax, importWindowBytes, importWindowLines } from './limits.js'
import type { Line } from './lines.js'
import { checkKey } from './paths.js'
import { hearsayError } from './problem.js'
import { decodeValue } from './render.js'

/** What became of the lines. */
export interface ImportSummary {
  readonly imported: number
  readonly skipped: number
  /** The first failed lines. */
  readonly failed: readonly { readonly line: number; readonly code: string; readonly message: string }[]
  /** Failed lines in all. */
  readonly failures: number
}

interface ImportedVersion {
  readonly value: Buffer
  readonly expiresAtMs: number | null
}

interface ImportedLine {
  readonly key: string
  /** The shown winner first. */
  readonly versions: readonly ImportedVersion[]
}

/** Runs one import. */
export class Importer {
  readonly #registers: Registers
  readonly #valueBytesMax: number
  readonly #nowMs: number
  readonly #running = new Set<Promise<void>>()
  #runningBytes = 0
  #imported = 0
  #skipped = 0
  #failures = 0
  /** A failure of the daemon, not of a line: the import ends with it. */
  #fatal: HearsayError | undefined
  #failed: ImportSummary['failed'][number][] = []

  constructor(registers: Registers, valueBytesMax: number, nowMs: number) {
    this.#registers = registers
    this.#valueBytesMax = valueBytesMax
    this.#nowMs = nowMs
  }

  /** Imports every line. A bad line is reported and skipped; a failed store ends the import with its error. */
  async run(lines: AsyncIterable<Line>): Promise<ImportSummary> {
    let number = 0
    for await (const line of lines) {
      number++
      if (line !== null && line.length === 0) continue
      this.#start(line, number)
      while (this.#running.size >= importWindowLines || this.#runningBytes >= importWindowBytes) {
        await Promise.race(this.#running)
      }
      if (this.#fatal !== undefined) break
    }
    await Promise.all(this.#running)
    if (this.#fatal !== undefined) throw this.#fatal
    return { imported: this.#imported, skipped: this.#skipped, failed: this.#failed, failures: this.#failures }
  }

  /** The writes are begun at once and in the order of the lines; only their end is waited for elsewhere. */
  #start(line: Line, number: number): void {
    const bytes = line?.length ?? 0
    this.#runningBytes += bytes
    const running = this.#import(line)
      .then((isNew) => {
        if (isNew) this.#imported++
        else this.#skipped++
      })
      .catch((error: unknown) => this.#fail(number, error))
      .finally(() => {
        this.#runningBytes -= bytes
        this.#running.delete(running)
      })
    this.#running.add(running)
  }

  async #import(line: Line): Promise<boolean> {
    const { key, versions } = this.#read(line)
    const live = versions.filter((version) => version.expiresAtMs === null || version.expiresAtMs > this.#nowMs)
    // The winner is written last, so that it is the winner here too.
    const writes = live.reverse().map(({ value, expiresAtMs }, at) => {
      return this.#registers.importValue(key, value, { expiresAtMs, extra: at > 0 })
    })
    const written = await Promise.all(writes)
    return written.some((one) => one !== undefined)
  }

  #read(line: Line): ImportedLine {
    if (line === null) throw new HearsayError('TOO_LARGE', 'the line is over the limit')
    const parsed = parseLine(line)
    for (const { value } of parsed.versions) {
      if (value.length > this.#valueBytesMax) {
        throw new HearsayError('TOO_LARGE', `a value of "${parsed.key}" is over ${this.#valueBytesMax} bytes`)
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

/** One line in the exported form `{key, type, versions}` or the short form `{key, value, encoding}`. Throws a HearsayError. */
export function parseLine(line: Buffer): ImportedLine {
  const parsed = parseObject(line)
  const { key, type = 'reg', error } = parsed
  if (error !== undefined) throw bad('the exporter could not read this entry; export it again')
  if (typeof key !== 'string') throw bad("the line has no 'key'")
  checkKey(key)
  if (type !== 'reg') throw bad(`the type '${String(type)}' cannot be imported by this version`)
  const raw = parsed.versions === undefined ? [parsed] : parsed.versions
  if (!Array.isArray(raw) || raw.length === 0) throw bad("'versions' is not a list with at least one version")
  return { key, versions: raw.map(parseVersion) }
}

function parseObject(line: Buffer): Record<string, unknown> {
  try {
    const parsed: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(line))
    if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) {
      return parsed as Record<string, unknown>
    }
  } catch {
    // Answered below, like JSON of another form.
  }
  throw bad('the line is not a JSON object')
}

function parseVersion(raw: unknown): ImportedVersion {
  const { value, encoding = 'utf8', expires } = (raw ?? {}) as Record<string, unknown>
  if (typeof value !== 'string') throw bad("a version has no 'value' that is a text")
  if (encoding !== 'utf8' && encoding !== 'base64') throw bad("'encoding' is neither utf8 nor base64")
  const expiresAtMs = expires === undefined || expires === null ? null : Date.parse(String(expires))
  if (Number.isNaN(expiresAtMs)) throw bad("'expires' is not a time in ISO 8601")
  return { value: decodeValue(value, encoding), expiresAtMs }
}

function bad(message: string): HearsayError {
  return new HearsayError('BAD_REQUEST', message)
}
