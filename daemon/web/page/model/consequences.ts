/** Consequences of what is asked of a member, said before it is done. */
import type { Member } from './events.js'
import { agoText, bytesText, counted } from './format.js'

/** Consequences of forgetting a member: what is lost, what is freed, that there is no way back. */
export function forgetConsequences(member: Member, nowMs: number): string[] {
  const { name, behind, ahead, hints, connected, lastSeen } = member
  const own = ahead > 0 ? `${counted(ahead, 'update')} that only ${name} has` : `whatever only ${name} has`
  const heard = connected ? `it is connected now` : `it was last seen ${agoText(lastSeen, nowMs)}`
  return [
    `${name} is retired for good: it is refused from then on and cannot come back with its present data directory.`,
    `The mesh will not get ${own} (${heard}). To keep that, run hearsay export there first.`,
    behind > 0
      ? `${counted(behind, 'update')} that it lacks are kept for it no longer; ${bytesText(hints.bytes)} of log can be freed.`
      : 'Nothing is kept for it at the moment.',
  ]
}

/** Consequence of a block. */
export function blockConsequence({ name, behind }: Member): string {
  const lacks = behind > 0 ? ` It lacks ${counted(behind, 'update')} already.` : ''
  return `This node and ${name} will not talk until the block is lifted. Both go on taking writes, and become equal afterwards.${lacks}`
}

/** Log that is held for a member, and how long it lasts at the present pace; null when nothing is held. */
export function hintText(
  { name, hints }: Member,
  self: string,
  limitBytes: number | null,
  nowMs: number,
): string | null {
  if (hints.updates === 0) return null
  const held = `${self} holds ${bytesText(hints.bytes)} for ${name}`
  const sinceMs = hints.since === null ? null : nowMs - Date.parse(hints.since)
  if (limitBytes === null || sinceMs === null || sinceMs <= 0 || hints.bytes === 0) return `${held}.`
  if (hints.bytes >= limitBytes) return `${held}; the limit is reached, and the trees are compared when it comes back.`
  const daysLeft = Math.floor((limitBytes - hints.bytes) / (hints.bytes / sinceMs) / 86_400_000)
  return `${held}; the limit of ${bytesText(limitBytes)} is reached in ${daysLeft > 365 ? 'more than a year' : `about ${counted(daysLeft, 'day')}`}.`
}

/** Bytes of a size as settings show it, `512MiB`; null for any other text. */
export function bytesOfSize(size: unknown): number | null {
  const [, number, prefix] = /^(\d+(?:\.\d+)?)(?:([KMGT])iB|B?)$/.exec(String(size)) ?? []
  if (number === undefined) return null
  return Number(number) * 1024 ** (prefix === undefined ? 0 : 'KMGT'.indexOf(prefix[0]!) + 1)
}
