/** Places of the page, as they stand behind the # of its address. */

/** The five places, in the order of the navigation. */
export const placeNames = ['mesh', 'keys', 'conflicts', 'members', 'activity'] as const
/** One of the five places. */
export type PlaceName = (typeof placeNames)[number]
/** Position of the reader: a place, what is selected there, and the prefix of keys. */
export interface PagePlace {
  readonly name: PlaceName
  readonly item: string | null
  readonly prefix: string
  /** True if something is to be made there: a new key. */
  readonly isNew: boolean
}

/** Titles of the places. */
export const placeTitles: Readonly<Record<PlaceName, string>> = {
  mesh: 'Mesh',
  keys: 'Keys',
  conflicts: 'Conflicts',
  members: 'Members',
  activity: 'Activity',
}

/** The place that an address names; the mesh for any other. */
export function placeAt(hash: string): PagePlace {
  const [path = '', query = ''] = hash.replace(/^#\/?/, '').split('?')
  const [name = '', item] = path.split('/')
  const known = placeNames.find((one) => one === name)
  const prefix = /(?:^|&)prefix=([^&]*)/.exec(query)?.[1] ?? ''
  return {
    name: known ?? 'mesh',
    item: known === undefined || item === undefined || item === '' ? null : decoded(item),
    prefix: decoded(prefix),
    isNew: query === 'new',
  }
}

/** The address at which a new key is made. */
export const newKeyHash = '#/keys?new'

/** The address of a place. */
export function pageHash(name: PlaceName, item: string | null = null, prefix = ''): string {
  const path = item === null ? '' : `/${encodeURIComponent(item)}`
  return `#/${name}${path}${prefix === '' ? '' : `?prefix=${encodeURIComponent(prefix)}`}`
}

/** The secret of a sign-in link, or the token of an older one, in an address. */
export function secretOf(hash: string): { readonly link: string } | { readonly token: string } | null {
  const [, kind, secret] = /^#(link|token)=(.+)$/.exec(hash) ?? []
  if (secret === undefined) return null
  return kind === 'link' ? { link: decoded(secret) } : { token: decoded(secret) }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
