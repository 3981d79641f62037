/** Durations and sizes as people write and read them. */

const unitMs = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const
const durationForm = /^(?:\d+(?:\.\d+)?(?:ms|s|m|h|d|w))+$/
const durationPart = /(\d+(?:\.\d+)?)(ms|s|m|h|d|w)/g

/**
 * Reads a duration such as `500ms`, `30s` or `1h30m`.
 * @returns whole milliseconds, a safe integer; undefined when the text is no duration.
 */
export function parseDurationMs(text: string): number | undefined {
  if (!durationForm.test(text)) return undefined
  let totalMs = 0
  for (const [, amount, unit] of text.matchAll(durationPart)) {
    totalMs += Number(amount) * unitMs[unit as keyof typeof unitMs]
  }
  const durationMs = Math.round(totalMs)
  return Number.isSafeInteger(durationMs) ? durationMs : undefined
}

/** Writes the time since a moment for people: `3 s`, `5 min`, `2 h`, `4 d`. Takes milliseconds since 1970. */
export function formatAge(thenMs: number, nowMs: number): string {
  const seconds = Math.max(0, Math.round((nowMs - thenMs) / 1_000))
  if (seconds < 90) return `${seconds} s`
  if (seconds < 90 * 60) return `${Math.round(seconds / 60)} min`
  if (seconds < 36 * 3_600) return `${Math.round(seconds / 3_600)} h`
  return `${Math.round(seconds / 86_400)} d`
}

/** Writes a number of bytes for people: `512 B`, `1.5 KiB`, `3.0 MiB`. */
export function formatBytes(bytes: number): string {
  if (bytes < 1_024) return `${bytes} B`
  const units = ['KiB', 'MiB', 'GiB', 'TiB']
  let amount = bytes / 1_024
  let unit = 0
  while (amount >= 1_024 && unit < units.length - 1) {
    amount /= 1_024
    unit++
  }
  return `${amount.toFixed(1)} ${units[unit]}`
}
