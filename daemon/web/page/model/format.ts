/** Numbers, sizes and times as people read them. Times of day are in the zone of the reader. */

const minuteMs = 60_000
const hourMs = 60 * minuteMs
const dayMs = 24 * hourMs
const counts = new Intl.NumberFormat('en-US', { maximumFractionDigits: 1 })
const sizes = ['B', 'kB', 'MB', 'GB', 'TB'] as const

/** A count with separators of thousands. */
export function countText(count: number): string {
  return counts.format(count)
}

/** A count with its noun: `1 key`, `1,204 updates`. */
export function counted(count: number, noun: string, plural = `${noun}s`): string {
  return `${countText(count)} ${count === 1 ? noun : plural}`
}

/** A number of bytes with its unit, in powers of a thousand. */
export function bytesText(bytes: number): string {
  let value = bytes
  let unit = 0
  while (Math.round(value) >= 1000 && unit < sizes.length - 1) {
    value /= 1000
    unit++
  }
  const digits = unit === 0 || value >= 10 ? Math.round(value) : Math.round(value * 10) / 10
  return `${counts.format(digits)} ${sizes[unit]}`
}

/** A length of time: `40 ms`, `0.2 s`, `4 min`, `3 h`, `12 days`. */
export function lengthText(ms: number): string {
  if (ms < 100) return `${counts.format(Math.round(ms))} ms`
  if (ms < 10_000) return `${counts.format(Math.round(ms / 100) / 10)} s`
  if (ms < minuteMs) return `${Math.round(ms / 1000)} s`
  if (ms < hourMs) return `${Math.floor(ms / minuteMs)} min`
  if (ms < dayMs) return `${Math.floor(ms / hourMs)} h`
  return counted(Math.floor(ms / dayMs), 'day')
}

/** Time since something was: `now`, `12 s ago`, `3 days ago`; `never` for null. */
export function agoText(time: string | null, nowMs: number): string {
  if (time === null) return 'never'
  const ms = nowMs - Date.parse(time)
  if (ms < 2000) return 'now'
  return `${lengthText(Math.floor(ms / 1000) * 1000).replace(/\.\d+/, '')} ago`
}

/** The hour of something of today, the weekday and hour of this week, else the date. */
export function momentText(time: string, nowMs: number): string {
  const date = new Date(time)
  const clock = date.toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit' })
  if (date.toDateString() === new Date(nowMs).toDateString()) return clock
  const ageMs = nowMs - date.getTime()
  if (ageMs >= 0 && ageMs < 6 * dayMs) return `${date.toLocaleDateString('en-GB', { weekday: 'short' })} ${clock}`
  const form: Intl.DateTimeFormatOptions = { day: 'numeric', month: 'short' }
  if (date.getFullYear() !== new Date(nowMs).getFullYear()) form.year = 'numeric'
  return date.toLocaleDateString('en-GB', form)
}

/** The exact time, with seconds. */
export function exactText(time: string): string {
  return new Date(time).toLocaleString('en-GB', { dateStyle: 'full', timeStyle: 'medium' })
}

/** The hour with seconds. */
export function clockText(time: string): string {
  return new Date(time).toLocaleTimeString('en-GB')
}

/** The two ends of an id, enough to tell it from others. */
export function shortId(id: string): string {
  return id.length <= 12 ? id : `${id.slice(0, 4)}…${id.slice(-6)}`
}

/** Names in a sentence: `ann`, `ann and bob`, `ann, bob and cid`, `ann, bob and 3 more`. */
export function namesText(names: readonly string[], most = 3): string {
  if (names.length > most) return `${names.slice(0, most - 1).join(', ')} and ${names.length - most + 1} more`
  const last = names.at(-1) ?? 'nobody'
  return names.length < 2 ? last : `${names.slice(0, -1).join(', ')} and ${last}`
}

/** A text cut to so many characters. */
export function clipped(text: string, most: number): string {
  return text.length > most ? `${text.slice(0, most - 1)}…` : text
}
