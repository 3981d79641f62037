/** Words of the headline: is everything safe, who is behind, what needs a person. */
import type { Member, Status } from './events.js'
import { agoText, counted, countText, momentText, namesText } from './format.js'
import { completeCount, isHeard, membersBehind } from './member-words.js'

/** The mesh in a sentence. */
export interface Headline {
  readonly level: 'ok' | 'note' | 'warn' | 'fail'
  readonly text: string
}

/** Connection of the page to its daemon. */
export type LinkState = 'connecting' | 'live' | 'away' | 'refused'

/** Facts that the headline is made of. */
export interface HeadlineFacts {
  readonly status: Status | null
  readonly link: LinkState
  readonly heardMs: number | null
  /** The refusal of a daemon that answers and yet shows nothing. */
  readonly why: string | null
  readonly nowMs: number
}

/** The state of the mesh as a sentence or two. */
export function headlineOf({ status, link, heardMs, why, nowMs }: HeadlineFacts): Headline {
  if (link === 'away' && why !== null) return { level: 'fail', text: `The daemon shows nothing new: ${why}.` }
  if (status === null) return { level: 'note', text: link === 'away' ? 'The daemon does not answer.' : 'Connecting…' }
  if (link === 'away') {
    const heard = heardMs === null ? 'never' : agoText(new Date(heardMs).toISOString(), nowMs)
    return { level: 'fail', text: `${status.node} does not answer; last seen ${heard}.` }
  }
  const mesh = meshSentence(status, nowMs)
  if (status.conflicts === 0) return mesh
  const keys = status.conflicts === 1 ? '1 key needs' : `${countText(status.conflicts)} keys need`
  return { level: mesh.level === 'ok' ? 'note' : mesh.level, text: `${mesh.text} ${keys} a decision.` }
}

function meshSentence(status: Status, nowMs: number): Headline {
  const { members, node } = status
  if (!status.verified) return { level: 'note', text: `${node} is checking its own store, and serves meanwhile.` }
  if (members.length === 0) return { level: 'warn', text: 'Only this machine so far: nothing is copied elsewhere.' }
  const total = members.length + 1
  const complete = completeCount(status)
  const have =
    complete === total
      ? allHave(total)
      : `${countText(complete)} of ${countText(total)} nodes ${complete === 1 ? 'has' : 'have'} everything`
  const behind = membersBehind(status)
  if (behind.length > 0) return { level: levelOf(behind), text: `${have}; ${behindText(behind, members, nowMs)}.` }
  if (complete < total) return { level: 'note', text: `${have}; ${receiving(status)}.` }
  const away = members.filter(({ connected }) => !connected)
  if (away.length === 0) return { level: 'ok', text: `${have}.` }
  return { level: 'note', text: `${have}; ${namesOf(away)} ${are(away)} not connected.` }
}

function allHave(total: number): string {
  return total === 2 ? 'Both nodes have everything' : `All ${countText(total)} nodes have everything`
}

function levelOf(behind: readonly Member[]): Headline['level'] {
  return behind.every(({ connected }) => connected) ? 'note' : 'warn'
}

/** Members that are out of reach first, then those that are catching up. */
function behindText(behind: readonly Member[], members: readonly Member[], nowMs: number): string {
  const away = behind.filter(({ connected }) => !connected)
  const near = behind.filter(({ connected }) => connected)
  return [
    ...(away.length > 0 ? [awayText(away, members, nowMs)] : []),
    ...(near.length > 0 ? [nearText(near)] : []),
  ].join(', ')
}

function awayText(away: readonly Member[], members: readonly Member[], nowMs: number): string {
  const [first] = away as [Member]
  if (away.length > 1) return `${namesOf(away)} are behind, ${first.name} by ${counted(first.behind, 'update')}`
  const since = first.hints.since ?? first.lastEqual
  const where = isHeard(first, members) ? ' and not reached from here' : ''
  return `${first.name} is ${counted(first.behind, 'update')} behind${since === null ? '' : ` since ${momentText(since, nowMs)}`}${where}`
}

function nearText(near: readonly Member[]): string {
  const toGo = near.length === 1 ? `, ${counted(near[0]!.behind, 'update')} to go` : ''
  return `${namesOf(near)} ${are(near)} catching up${toGo}`
}

function namesOf(members: readonly Member[]): string {
  return namesText(members.map(({ name }) => name))
}

function are({ length }: readonly Member[]): string {
  return length === 1 ? 'is' : 'are'
}

function receiving({ members, node }: Status): string {
  const most = members.toSorted((a, b) => b.ahead - a.ahead)[0]!
  return `${node} lacks ${counted(most.ahead, 'update')} that ${most.name} has`
}
