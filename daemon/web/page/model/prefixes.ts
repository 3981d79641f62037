/** Prefixes of keys as a tree: one level is read by listing keys and leaping over the groups that are large. */

/** Separator of the segments of a key. */
export const segmentEnd = '/'
/** Keys that are asked for at a time. */
export const scanLimit = 1_000
/** Groups that one level shows. */
export const groupsMax = 200
/** Requests that one level may take. */
export const requestsMax = 64
/** A key that stands behind all keys with a prefix. */
const last = '\u{10ffff}'

/** Keys that share a segment, or a single key. */
export interface PrefixGroup {
  /** The prefix, or the key itself. */
  readonly path: string
  /** The segment as shown. */
  readonly label: string
  readonly isKey: boolean
  readonly count: number
  /** True if there may be more than `count`. */
  readonly isMore: boolean
}
/** One level as far as it is read. */
export interface PrefixLevel {
  readonly prefix: string
  readonly groups: readonly PrefixGroup[]
  readonly requests: number
  /** Key behind which the next request goes on; null when the level is whole. */
  readonly after: string | null
  /** True if it ended at a bound. */
  readonly isCut: boolean
}
/** A page of keys as it is listed. */
export interface KeyPage {
  readonly items: readonly { readonly key: string }[]
  readonly next: string | null
}

/** A level of which nothing is read yet. */
export function unreadLevel(prefix: string): PrefixLevel {
  return { prefix, groups: [], requests: 0, after: '', isCut: false }
}

/** The level with a page more. A group that fills a page is left at that count, and leapt over. */
export function withPage(level: PrefixLevel, { items, next }: KeyPage): PrefixLevel {
  const groups = new Map(level.groups.map((group) => [group.path, group]))
  for (const { key } of items) addKey(groups, level.prefix, key)
  const list = [...groups.values()]
  const requests = level.requests + 1
  if (next === null) return { ...level, groups: list, requests, after: null }
  const open = list.at(-1)!
  const isLarge = !open.isKey && open.count >= scanLimit
  if (isLarge) list[list.length - 1] = { ...open, isMore: true }
  const isCut = list.length >= groupsMax || requests >= requestsMax
  return { ...level, groups: list, requests, after: isCut ? null : isLarge ? open.path + last : next, isCut }
}

function addKey(groups: Map<string, PrefixGroup>, prefix: string, key: string): void {
  const end = key.indexOf(segmentEnd, prefix.length)
  const isKey = end === -1
  const path = isKey ? key : key.slice(0, end + 1)
  // A key may be the prefix of others: both stand in the list.
  const name = isKey ? `key ${path}` : path
  const present = groups.get(name)
  if (present === undefined)
    groups.set(name, { path, label: path.slice(prefix.length) || path, isKey, count: 1, isMore: false })
  else groups.set(name, { ...present, count: present.count + 1 })
}

/** The prefixes on the way to one, from the root: `a/b/c` gives ``, `a/`, `a/b/`. */
export function stepsTo(prefix: string): string[] {
  const steps = ['']
  for (let end = prefix.indexOf(segmentEnd); end !== -1; end = prefix.indexOf(segmentEnd, end + 1)) {
    steps.push(prefix.slice(0, end + 1))
  }
  return steps
}
