/** The screen of `top`: lines of text for a state. Pure. */
import type { Member } from '../client.js'
import { fitted } from '../columns.js'
import { formatAge, formatBytes } from '../duration.js'
import { count, printable } from '../output.js'
import { cutTo, widthOf } from '../text-width.js'
import type { TopState } from './model.js'
import type { TopSample } from './sample.js'

/** Looks of the parts of the screen; without colours each is the text itself. */
export interface Look {
  good(text: string): string
  warn(text: string): string
  bad(text: string): string
  faint(text: string): string
  strong(text: string): string
}

const columnsMin = 20
const rowsMin = 6
const warningsShown = 4
const sessionsShown = 5

/** The lines of the screen: as many as it has rows, none wider than its columns. */
export function render(state: TopState, look: Look, nowMs: number): string[] {
  const { columns, rows } = state
  if (columns < columnsMin || rows < rowsMin) return filled([cutTo('too small', columns)], rows)
  const head = headLines(state, look, nowMs)
  const foot = [look.faint(cutTo(keysLine(state), columns))]
  const middle =
    state.answer === undefined ? bodyLines(state, look, nowMs, rows - head.length - 1) : answerLines(state, look)
  const space = rows - foot.length
  return [...filled([...head, ...middle].slice(0, space), space), ...foot]
}

function filled(lines: readonly string[], rows: number): string[] {
  return [...lines.slice(0, rows), ...Array<string>(Math.max(0, rows - lines.length)).fill('')]
}

function headLines(state: TopState, look: Look, nowMs: number): string[] {
  const { sample, columns, failure } = state
  const gone = failure === undefined ? [] : [look.bad(cutTo(goneText(state, nowMs), columns))]
  if (sample === undefined) return gone.length > 0 ? gone : [look.faint('asking the daemon …')]
  const { status } = sample
  const name = printable(status.node)
  const first = cutTo(`${name}  ${sentence(sample)}`, columns)
  const isFine = status.members.every(({ converged }) => converged)
  const headline = look.strong(first.slice(0, name.length)) + (isFine ? look.good : look.warn)(first.slice(name.length))
  return [
    ...gone,
    headline,
    cutTo(countsText(sample), columns),
    cutTo(ratesText(state), columns),
    ...warningLines(state, look),
    '',
  ]
}

/** The state of the mesh in words: who has everything, who does not. */
export function sentence({ status }: Pick<TopSample, 'status'>): string {
  const { members } = status
  if (members.length === 0) return 'alone: no other member holds a copy'
  const behind = members.filter(({ converged }) => !converged)
  if (behind.length === 0) return `all ${count(members.length + 1, 'node')} have everything`
  const [worst] = behind.toSorted((a, b) => Number(a.connected) - Number(b.connected) || b.behind - a.behind)
  const { name, connected, blocked, behind: updates } = worst!
  const how = blocked ? 'is blocked' : connected ? 'is not equal' : 'is away'
  const by = updates === 0 ? '' : `, ${count(updates, 'update')} behind`
  const equal = members.length - behind.length
  return `${equal} of ${count(members.length, 'member')} ${equal === 1 ? 'has' : 'have'} everything; ${printable(name)} ${how}${by}`
}

function goneText({ failure, sample }: TopState, nowMs: number): string {
  const since = sample === undefined ? '' : `, last seen ${formatAge(sample.atMs, nowMs)} ago`
  return `the daemon does not answer${since}: ${printable(failure!.message)}`
}

function countsText({ status, figures }: TopSample): string {
  const { entries, conflicts, root, log, verification } = status
  const parts = [
    count(entries, 'entry', 'entries'),
    count(conflicts, 'conflict'),
    `root ${root.slice(0, 8) || 'not known yet'}`,
    ...(log.bytes > 0 ? [`log ${formatBytes(log.bytes)}`] : []),
    ...(figures.rss > 0 ? [`memory ${formatBytes(figures.rss)}`] : []),
    ...(verification === null ? [] : [`verifying ${verification.rows} of about ${verification.ofAbout} rows`]),
  ]
  return parts.join(' · ')
}

function ratesText({ rates }: TopState): string {
  if (rates === undefined) return 'writes -  reads -  gossip -  sync -'
  const a = (rate: number) => `${rate < 10 ? rate.toFixed(1) : Math.round(rate).toLocaleString('en-US')}/s`
  const bytes = (rate: number) => `${formatBytes(Math.round(rate))}/s`
  const gossip = `gossip ${a(rates.gossipApplied)} in, ${a(rates.gossipSent)} out`
  const sync = `sync ${bytes(rates.bytesReceived)} in, ${bytes(rates.bytesSent)} out`
  return `writes ${a(rates.writes)}  reads ${a(rates.reads)}  ${gossip}  ${sync}`
}

function warningLines({ sample, columns }: TopState, look: Look): string[] {
  const wrong = (sample?.findings ?? []).filter(({ level, check }) => level !== 'ok' && check !== 'conflicts')
  const lines = wrong.slice(0, warningsShown).map(({ level, check, text }) => {
    const line = cutTo(`! ${check === 'member' ? '' : `${printable(check)}: `}${printable(text)}`, columns)
    return level === 'fail' ? look.bad(line) : look.warn(line)
  })
  const more = wrong.length - lines.length
  return more > 0 ? [...lines, look.warn(`! and ${more} more: hearsay doctor`)] : lines
}

function bodyLines(state: TopState, look: Look, nowMs: number, space: number): string[] {
  if (state.sample === undefined) return []
  const conflicts = conflictLines(state, look)
  const sessions = sessionLines(state, look, nowMs)
  // Members come first; what is below them is guaranteed a share of a small screen.
  const below = [...sessions, ...conflicts]
  const reserved = Math.min(below.length, Math.floor(space / 2))
  return [...memberLines(state, look, nowMs, space - reserved), ...below]
}

const headings = ['MEMBER', 'STATE', 'BEHIND', 'AHEAD', 'LAST EQUAL', 'LAST SEEN', 'CLOCK', 'HINTS']
const narrowing = { drop: ['CLOCK', 'HINTS', 'AHEAD', 'LAST EQUAL', 'LAST SEEN'], cut: ['MEMBER'] }

function memberLines(state: TopState, look: Look, nowMs: number, space: number): string[] {
  const { sample, filter, scroll, columns } = state
  const all = sample!.status.members
  const shown = all.filter(({ name, peer }) => name.includes(filter) || peer.includes(filter))
  if (shown.length === 0)
    return [look.faint(all.length === 0 ? 'no other members yet' : `no member matches '${printable(filter)}'`)]
  const listed = Math.max(1, space - 2)
  const from = Math.max(0, Math.min(scroll, shown.length - listed))
  const page = shown.slice(from, from + listed)
  const table = fitted({ headings, rows: page.map((member) => memberCells(member, nowMs)) }, narrowing, columns)
  const lines = aligned(table.cells.headings, table.cells.rows).map((line) => cutTo(line, columns))
  const coloured = lines.map((line, at) => (at === 0 ? look.faint(line) : stateLook(page[at - 1]!, look)(line)))
  const left = shown.length - page.length
  return left > 0 ? [...coloured, look.faint(`… ${left} more (j and k scroll)`)] : coloured
}

function memberCells(member: Member, nowMs: number): string[] {
  const ago = (time: string | null) => (time === null ? 'never' : `${formatAge(Date.parse(time), nowMs)} ago`)
  const { behind, ahead, clockOffsetMs: clock, hints } = member
  return [
    printable(member.name),
    stateWord(member),
    behind === 0 ? '-' : behind.toLocaleString('en-US'),
    ahead === 0 ? '-' : ahead.toLocaleString('en-US'),
    ago(member.lastEqual),
    member.connected ? 'now' : ago(member.lastSeen),
    clock === null ? '-' : `${clock} ms`,
    hints.updates === 0 ? '-' : formatBytes(hints.bytes),
  ]
}

function stateWord({ blocked, connected, converged }: Member): string {
  if (blocked) return 'blocked'
  if (!connected) return 'away'
  return converged ? 'equal' : 'connected'
}

function stateLook({ blocked, connected, converged }: Member, look: Look): (text: string) => string {
  if (!connected && !blocked) return look.bad
  return converged && !blocked ? look.good : look.warn
}

function aligned(first: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const all = [first, ...rows]
  const widths = first.map((_, at) => Math.max(...all.map((row) => widthOf(row[at]!))))
  const padded = (cell: string, at: number) => cell + ' '.repeat(widths[at]! - widthOf(cell))
  return all.map((row) => row.map(padded).join('  ').trimEnd())
}

function sessionLines({ sessions, columns }: TopState, look: Look, nowMs: number): string[] {
  if (sessions.length === 0) return []
  const lines = sessions
    .slice(0, sessionsShown)
    .map(({ atMs, text }) => cutTo(`${formatAge(atMs, nowMs)} ago  ${text}`, columns))
  return ['', look.faint('SYNC'), ...lines]
}

function conflictLines({ sample, filter, columns }: TopState, look: Look): string[] {
  const shown = sample!.conflicts.filter(({ key }) => key.includes(filter))
  if (shown.length === 0) return []
  const lines = shown.map(({ key, siblings, nodes }) => {
    return cutTo(`${printable(key)}  ${siblings} siblings: ${nodes.map(printable).join(', ')}`, columns)
  })
  return ['', look.faint('CONFLICTS'), ...lines.map((line) => look.warn(line))]
}

function answerLines({ answer, scroll, columns, rows }: TopState, look: Look): string[] {
  const { command, exit, lines } = answer!
  const title = cutTo(`hearsay ${printable(command)}${exit === 0 ? '' : `  (exit code ${exit})`}`, columns)
  const from = Math.max(0, Math.min(scroll, lines.length - Math.floor(rows / 2)))
  const shown = lines.slice(from).map((line) => cutTo(printable(line), columns))
  return [
    exit === 0 ? look.strong(title) : look.bad(title),
    ...(shown.length === 0 ? [look.faint('(no output)')] : shown),
  ]
}

/** The last line: what is typed, or the keys. */
function keysLine({ entry, filter, answer, isBusy, columns }: TopState): string {
  if (entry !== undefined) {
    const mark = entry.kind === 'filter' ? '/' : ':'
    // The end of a long line is where one types.
    const typed = [...printable(entry.text)].slice(-Math.max(1, columns - 2)).join('')
    return `${mark}${typed}_`
  }
  if (isBusy) return 'running … q leaves'
  if (answer !== undefined) return 'Esc closes  j k scroll  : command  q quit'
  const filtered = filter === '' ? '/ filter' : `/ filter: ${printable(filter)} (Esc clears)`
  return `${filtered}  : command  j k scroll  q quit`
}
