/** Sentences for the live region: what has changed from one status to the next that a person would want to hear. */
import type { Status } from './events.js'
import { counted } from './format.js'
import { type MemberWord, wordOf } from './member-words.js'

/** Sentences about more members than this are put together as one. */
const sentencesMax = 4

const sentences: Partial<Record<MemberWord, string>> = {
  equal: 'is equal again',
  away: 'is away',
  'no link': 'is not reached from here',
  blocked: 'is blocked',
}

/** Sentences on what has changed; none for the first status. */
export function announcements(before: Status | null, after: Status): string[] {
  if (before === null) return []
  const words = new Map(before.members.map((member) => [member.peer, wordOf(member, before.members)]))
  const said = after.members.flatMap((member) => {
    const word = wordOf(member, after.members)
    const was = words.get(member.peer)
    if (was === undefined) return [`${member.name} has joined`]
    const isNews = was !== word && sentences[word] !== undefined
    return isNews ? [`${member.name} ${sentences[word]}`] : []
  })
  const gone = before.members.filter(({ peer }) => !after.members.some((member) => member.peer === peer))
  said.push(...gone.map(({ name }) => `${name} is forgotten`))
  if (after.conflicts > before.conflicts) said.push(`${counted(after.conflicts, 'key')} in conflict`)
  return said.length > sentencesMax ? [`${counted(said.length, 'change')} in the mesh`] : said
}
