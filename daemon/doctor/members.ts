/** Judgement of a member: is it there, does it have everything, and what if not. Pure. */
import type { Finding } from '../../protocols/api/doctor.js'
import { wordOfShell } from '../call-hint.js'
import type { Facts, MemberFact } from './facts.js'
import { awayWarnMs, growthMs, stuckFailMs, stuckIntervals, stuckMs } from './limits.js'
import { amountText, dayText, sizeText, spanText } from './words.js'

/** The one finding about a member among all; `check` is `member`. */
export function memberFinding(member: MemberFact, facts: Facts): Finding {
  const about = (level: Finding['level'], text: string, remedy: string | null = null): Finding => {
    return { level, check: 'member', text: `${member.name}: ${text}`, remedy }
  }
  if (member.blocked)
    return about('warn', `blocked here; ${missingText(member, facts)}`, `hearsay unblock ${wordOfShell(member.name)}`)
  if (!member.connected) return awayFinding(member, facts, about)
  const stuck = stuckFor(member, facts)
  if (stuck === undefined) return about('ok', member.converged ? 'equal' : missingText(member, facts))
  const last = member.sync?.lastFailure
  const reason = last == null ? '' : ` (the last one: ${last})`
  const text = `connected and not equal, and no sync session has ended well for ${spanText(stuck)}${reason}`
  const remedy = `try one now: hearsay sync ${wordOfShell(member.name)}; then look at the logs of both nodes`
  return about(stuck >= stuckFailMs ? 'fail' : 'warn', text, remedy)
}

/** Everything about one member, good or bad, for who asks about it alone. */
export function memberFindings(member: MemberFact, facts: Facts): Finding[] {
  const first = memberFinding(member, facts)
  const findings = [first]
  const note = (check: string, text: string) => findings.push({ level: 'ok', check, text, remedy: null })
  if (member.connected) note('connection', connectionText(member))
  if (member.clockOffsetMs !== null) note('clocks', `${member.name} is ${Math.round(member.clockOffsetMs)} ms off ours`)
  const isSame = member.version === facts.version || member.version === ''
  if (isSame) note('versions', `${member.name} runs ${member.version || 'an unknown version'}`)
  else findings.push(versionFinding(facts.version, [member]))
  if (member.addresses.length > 0) note('addresses', member.addresses.join(', '))
  return findings
}

/** The finding about members of other versions than this node's. */
export function versionFinding(version: string, others: readonly MemberFact[]): Finding {
  const named = others.map((other) => `${other.name} ${other.version}`)
  const text = `this node runs ${version}, ${named.slice(0, 10).join(', ')}${named.length > 10 ? ', …' : ''}`
  return { level: 'warn', check: 'versions', text, remedy: 'upgrade the older ones; CHANGELOG.md says how' }
}

/**
 * The time until which the log is complete for a member that misses updates since a moment: until they are too old, or
 * the log, as it grows, is full. In milliseconds since 1970.
 */
export function logCompleteUntilMs({ nowMs, log, members }: Facts, sinceMs: number): number {
  const byAge = sinceMs + log.maxAgeMs
  const sinces = members.flatMap(({ hints }) => (hints.sinceMs === null ? [] : [hints.sinceMs]))
  const grownForMs = nowMs - Math.min(sinceMs, ...sinces)
  if (log.bytes <= 0 || grownForMs < growthMs) return byAge
  const leftMs = (Math.max(0, log.maxBytes - log.bytes) * grownForMs) / log.bytes
  return Math.min(byAge, nowMs + leftMs)
}

/**
 * Time for which sync with a connected member has not worked, in milliseconds; undefined when it works, or has not been
 * tried for long enough.
 */
function stuckFor(member: MemberFact, { store, syncIntervalMs }: Facts): number | undefined {
  if (member.converged || member.sync === undefined || !store.isVerified) return undefined
  const forMs = member.sync.sinceGoodMs ?? member.sync.connectedForMs
  return forMs >= Math.max(stuckMs, stuckIntervals * syncIntervalMs) ? forMs : undefined
}

function awayFinding(
  member: MemberFact,
  facts: Facts,
  about: (level: Finding['level'], text: string, remedy?: string) => Finding,
): Finding {
  if (member.lastSeenMs === null) {
    const where = member.addresses.length > 0 ? ` at ${member.addresses.join(', ')}` : ''
    const remedy = `check that it runs and can be reached${where}`
    return about('warn', `never connected; ${missingText(member, facts)}`, remedy)
  }
  const awayMs = facts.nowMs - member.lastSeenMs
  const text = `away for ${spanText(awayMs)}; ${missingText(member, facts)}`
  if (awayMs < awayWarnMs) return about('ok', text)
  return about('warn', text, `start it; if it never comes back: hearsay forget ${wordOfShell(member.name)}`)
}

/** Text on what a member misses, and what is kept for it. */
function missingText(member: MemberFact, facts: Facts): string {
  const { behind, ahead, hints } = member
  const more = ahead === 0 ? '' : `, has ${amountText(ahead, 'update')} that this node lacks`
  if (behind === 0) return `it misses nothing${more}`
  const held = hints.bytes > 0 ? `, ${sizeText(hints.bytes)} held for it` : ''
  const text = `${amountText(behind, 'update')} behind${held}${more}`
  return member.connected || hints.sinceMs === null ? text : `${text}; ${logText(facts, hints.sinceMs)}`
}

function logText(facts: Facts, sinceMs: number): string {
  const untilMs = logCompleteUntilMs(facts, sinceMs)
  if (untilMs <= facts.nowMs)
    return 'the log is no longer complete for it: a Merkle sync finds what it misses, no data is lost'
  return `the log is complete for it until about ${dayText(untilMs)} (${spanText(untilMs - facts.nowMs)}), after that a Merkle sync, no data is lost`
}

function connectionText({ name, sync }: MemberFact): string {
  if (sync === undefined) return `${name} is connected`
  const good = sync.sinceGoodMs === null ? 'no sync session since' : `last sync ${spanText(sync.sinceGoodMs)} ago`
  return `${name} has been connected for ${spanText(sync.connectedForMs)}, ${good}`
}
