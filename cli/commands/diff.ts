/** `hearsay diff`: the keys that a peer holds otherwise, with what stands on each side. */
import type { Diff, DiffSide, KeyDifference } from '../client.js'
import type { Action, Invocation } from '../command.js'
import { diffVersionsShown } from '../limits.js'
import { count, printable, shellWord, shortValue } from '../output.js'

/** Shows what differs between the node and a connected peer. */
export const diff: Action = async (invocation) => {
  const limit = invocation.count('limit', 1)
  const found = await invocation.client().diff(invocation.argument(0), limit === undefined ? {} : { limit })
  if (invocation.json) return invocation.output.json(found)
  const { output } = invocation
  for (const difference of found.keys) await printDifference(invocation, difference, found.peer)
  if (found.keys.length === 0 && !found.more)
    return output.line(`${printable(found.peer)} has the same keys and values`)
  await output.note(remarkOf(found))
}

function remarkOf({ peer, keys, more }: Diff): string {
  if (keys.length === 0) return `what differed from ${printable(peer)} is equal by now; ask again for the rest`
  const amount = more ? `more than ${count(keys.length, 'difference')}` : count(keys.length, 'difference')
  const rest = more ? '; --limit N shows more' : ''
  return `${amount} from ${printable(peer)}${rest}. \`hearsay sync ${shellWord(peer)}\` makes both equal`
}

async function printDifference({ output }: Invocation, difference: KeyDifference, peer: string): Promise<void> {
  await output.line(output.colors.bold(placeOf(difference)))
  const width = Math.max('here'.length, printable(peer).length)
  for (const [name, side] of [
    ['here', difference.here],
    [printable(peer), difference.there],
  ] as const) {
    for (const line of linesOf(side, output.colors.gray)) await output.line(`  ${name.padEnd(width)}  ${line}`)
  }
}

/** The key, and what of it differs when it is not a plain value. */
function placeOf({ key, type, field, fieldEncoding }: KeyDifference): string {
  if (type === 'reg') return printable(key)
  const part = field === '' ? '' : ` ${fieldEncoding === undefined ? printable(field) : `base64:${field}`}`
  return `${printable(key)} (${type}${part})`
}

/** The versions of a side, the latest first; of a counter what they come to. */
function linesOf(side: DiffSide, gray: (text: string) => string): string[] {
  if (side === null) return ['absent']
  const shown = side.versions.slice(0, diffVersionsShown)
  const lines = shown.map(({ dot, node, time, value, encoding }) => {
    const origin = gray(`${time}  ${printable(node)}  ${dot}`)
    return value === null ? origin : `${shortValue(value, encoding ?? 'utf8')}  ${origin}`
  })
  if (side.counter !== undefined) lines[0] = `${side.counter}  ${lines[0]}`
  const rest = side.versions.length - shown.length
  return rest > 0 ? [...lines, gray(`and ${count(rest, 'version')} more`)] : lines
}
