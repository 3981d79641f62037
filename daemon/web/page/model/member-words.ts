/** States of members in words, and who has everything. */
import type { Member, Status } from './events.js'

/** The state of a member in a word. */
export type MemberWord = 'equal' | 'catching up' | 'comparing' | 'ahead' | 'blocked' | 'no link' | 'away'
/** A colour class: fine, under way, needs a look, off. */
export type Tone = 'good' | 'busy' | 'bad' | 'off'

const tones: Readonly<Record<MemberWord, Tone>> = {
  equal: 'good',
  'catching up': 'busy',
  comparing: 'busy',
  ahead: 'busy',
  blocked: 'off',
  'no link': 'bad',
  away: 'bad',
}

const explained: Readonly<Record<MemberWord, string>> = {
  equal: 'holds exactly what this node holds',
  'catching up': 'is connected and receives what it lacks',
  comparing: 'is connected; the two are being compared',
  ahead: 'is connected and has updates that are on their way here',
  blocked: 'was cut off from this node by its operator',
  'no link': 'is heard by other members, but not from here',
  away: 'is not heard by anyone; updates are kept for it',
}

/** True if another member hears this one. */
export function isHeard(member: Member, members: readonly Member[]): boolean {
  return members.some((other) => other.connected && other.hears.includes(member.peer))
}

/** The state of a member in a word. */
export function wordOf(member: Member, members: readonly Member[]): MemberWord {
  if (member.blocked) return 'blocked'
  if (!member.connected) return isHeard(member, members) ? 'no link' : 'away'
  if (member.converged) return 'equal'
  if (member.behind > 0) return 'catching up'
  return member.ahead > 0 ? 'ahead' : 'comparing'
}

/** The colour class of a state. */
export function toneOf(word: MemberWord): Tone {
  return tones[word]
}

/** Meaning of a state, as the rest of a sentence that begins with the member's name. */
export function meaningOf(word: MemberWord): string {
  return explained[word]
}

/** Members that lack updates, those that lack most first. */
export function membersBehind({ members }: Status): Member[] {
  return members.filter(({ behind }) => behind > 0).toSorted((a, b) => b.behind - a.behind)
}

/** Number of nodes that have everything this node knows of, this one included. */
export function completeCount(status: Status): number {
  const isSelfComplete = status.members.every(({ ahead }) => ahead === 0)
  return status.members.filter(({ behind }) => behind === 0).length + (isSelfComplete ? 1 : 0)
}
