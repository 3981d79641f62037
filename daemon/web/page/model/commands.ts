/** The search box as a command line: what a typed line asks for. */
import { type PlaceName, placeNames } from './places.js'

/** Request that a line makes. */
export type AskedLine =
  | { readonly kind: 'search'; readonly prefix: string }
  | { readonly kind: 'go'; readonly place: PlaceName }
  | { readonly kind: 'get'; readonly key: string }
  | { readonly kind: 'put'; readonly key: string; readonly value: string }
  | { readonly kind: 'sync' }
  | { readonly kind: 'invite' }
  | { readonly kind: 'usage'; readonly text: string }

/** Commands with what they do, for the list below the box. */
export const commandUsages: readonly { readonly name: string; readonly usage: string; readonly does: string }[] = [
  { name: 'get', usage: 'get KEY', does: 'open a key' },
  { name: 'put', usage: 'put KEY VALUE', does: 'store a text' },
  { name: 'sync', usage: 'sync', does: 'compare with every connected member now' },
  { name: 'invite', usage: 'invite', does: 'add a machine' },
  { name: 'go', usage: 'go PLACE', does: `open ${placeNames.join(', ')}` },
]

/** Reads a line. A line that begins with no command is the beginning of keys. */
export function askedBy(line: string): AskedLine {
  const [, verb = '', rest = ''] = /^\s*(\S+)\s*(.*)$/s.exec(line) ?? []
  const isCommand = commandUsages.some(({ name }) => name === verb) && (/^\s*\S+\s/.test(line) || isWhole(verb))
  if (!isCommand) return { kind: 'search', prefix: line.trimStart() }
  if (verb === 'sync' || verb === 'invite') return { kind: verb }
  if (verb === 'get') return rest === '' ? usage(verb) : { kind: 'get', key: unquoted(rest.trimEnd()) }
  if (verb === 'go') {
    const place = placeNames.find((name) => name === rest.trim())
    return place === undefined ? usage(verb) : { kind: 'go', place }
  }
  const [, key, value] = /^("(?:[^"\\]|\\.)*"|\S+)\s+(.*)$/s.exec(rest) ?? []
  return key === undefined || value === undefined
    ? usage(verb)
    : { kind: 'put', key: unquoted(key), value: unquoted(value) }
}

/** Commands that a line may become, for the list below the box. */
export function commandsFor(line: string): typeof commandUsages {
  const word = line.trim()
  return word === '' ? commandUsages : commandUsages.filter(({ name }) => name.startsWith(word))
}

/** Commands that need nothing behind them. */
function isWhole(verb: string): boolean {
  return verb === 'sync' || verb === 'invite'
}

function usage(verb: string): AskedLine {
  const found = commandUsages.find(({ name }) => name === verb)!
  return { kind: 'usage', text: `${found.usage}: ${found.does}` }
}

function unquoted(text: string): string {
  if (!/^".*"$/s.test(text)) return text
  try {
    return JSON.parse(text) as string
  } catch {
    return text
  }
}
