/** Parses and formats durations, sizes and switches of files, variables, flags and queries. */
import type { Want } from '../../protocols/membership/types.js'

const durationUnits = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const
const sizeUnits = {
  B: 1,
  kB: 1000,
  KB: 1000,
  KiB: 1024,
  MB: 1000 ** 2,
  MiB: 1024 ** 2,
  GB: 1000 ** 3,
  GiB: 1024 ** 3,
  TB: 1000 ** 4,
  TiB: 1024 ** 4,
} as const

const durationForm = /^(?:\d+(?:\.\d+)?(?:ms|s|m|h|d|w))+$/
const durationPart = /(\d+(?:\.\d+)?)(ms|s|m|h|d|w)/g
const sizeForm = /^(\d+(?:\.\d+)?) ?(B|[kK]B|[MGT]B|[KMGT]iB)?$/

/** Parses a duration such as `30s`, `1h30m` or `250ms` into whole milliseconds. Throws an Error that shows the form. */
export function parseDuration(text: string): number {
  if (!durationForm.test(text))
    throw new Error(`'${text}' is not a duration; write for example 250ms, 30s, 5m, 2h or 7d`)
  let totalMs = 0
  for (const [, amount, unit] of text.matchAll(durationPart)) {
    totalMs += Number(amount) * durationUnits[unit as keyof typeof durationUnits]
  }
  return whole(totalMs, text)
}

/** Parses a size such as `64MiB`, `8 MB` or a plain number of bytes into bytes. Throws an Error that shows the form. */
export function parseSize(text: string): number {
  const match = sizeForm.exec(text)
  if (match === null) throw new Error(`'${text}' is not a size; write for example 4096, 512KiB, 64MiB or 1GiB`)
  return whole(Number(match[1]) * sizeUnits[(match[2] ?? 'B') as keyof typeof sizeUnits], text)
}

function whole(value: number, text: string): number {
  const rounded = Math.round(value)
  if (!Number.isSafeInteger(rounded)) throw new Error(`'${text}' is too large`)
  return rounded
}

/** Parses a switch: true, false, or the words for them. Throws an Error that lists the words. */
export function parseSwitch(raw: unknown): boolean {
  if (typeof raw === 'boolean') return raw
  const text = String(raw).toLowerCase()
  if (['true', '1', 'yes', 'on'].includes(text)) return true
  if (['false', '0', 'no', 'off'].includes(text)) return false
  throw new Error(`'${String(raw)}' is neither true nor false`)
}

/** Parses a number of acknowledgements: a whole number from 1, `majority` or `all`. Throws an Error that says so. */
export function parseAcks(text: string): Want {
  if (text === 'majority' || text === 'all') return text
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text)
  throw new Error(`'${text}' is not a number of nodes from 1, nor 'majority' or 'all'`)
}

/** Formats a duration in its shortest exact form, for example `30s`. */
export function formatDuration(ms: number): string {
  if (ms === 0) return '0s'
  const units = Object.entries(durationUnits).reverse()
  const [unit, scale] = units.find(([, scale]) => ms % scale === 0) ?? ['ms', 1]
  return `${ms / scale}${unit}`
}

/** Formats a size in its shortest exact form, for example `64MiB`. */
export function formatSize(bytes: number): string {
  if (bytes === 0) return '0'
  for (const unit of ['TiB', 'GiB', 'MiB', 'KiB'] as const) {
    if (bytes % sizeUnits[unit] === 0) return `${bytes / sizeUnits[unit]}${unit}`
  }
  return `${bytes}`
}
