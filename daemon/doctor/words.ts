/** Amounts and times as the doctor writes them. */

const second = 1_000
const minute = 60 * second
const hour = 60 * minute
const day = 24 * hour

/** A span of time in one unit: `12 s`, `5 min`, `3 h`, `3 days`. Takes milliseconds. */
export function spanText(ms: number): string {
  if (ms < 90 * second) return `${Math.round(Math.max(0, ms) / second)} s`
  if (ms < 90 * minute) return `${Math.round(ms / minute)} min`
  if (ms < 36 * hour) return `${Math.round(ms / hour)} h`
  return `${Math.round(ms / day).toLocaleString('en-US')} days`
}

/** A size: `512 B`, `1.5 KiB`, `64 GiB`; whole numbers without a fraction. */
export function sizeText(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
  let amount = bytes
  let unit = 0
  while (amount >= 1_024 && unit < units.length - 1) {
    amount /= 1_024
    unit++
  }
  return `${unit === 0 || amount >= 100 ? Math.round(amount) : amount.toFixed(1).replace(/\.0$/, '')} ${units[unit]}`
}

/** An amount of things: `1 update`, `1,204 updates`. */
export function amountText(amount: number, one: string, many = `${one}s`): string {
  return `${amount.toLocaleString('en-US')} ${amount === 1 ? one : many}`
}

/** A day: `2026-12-06`, in UTC. Takes milliseconds since 1970. */
export function dayText(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10)
}

/** Some names: all of a few, of many the first with the number of the rest. */
export function namesText(names: readonly string[], most = 10): string {
  if (names.length <= most) return names.join(', ')
  return `${names.slice(0, most).join(', ')} and ${(names.length - most).toLocaleString('en-US')} more`
}
