/** `hearsay get`: prints the shown winner byte for byte, or every sibling. */
import type { ReadOptions, Version, Versions } from '../client.js'
import type { Action, Invocation } from '../command.js'
import { count, printable } from '../output.js'
import { withValueOf } from './types.js'

/** Prints a value. */
export const get: Action = async (invocation) => {
  const key = invocation.argument(0)
  const options = readOptionsOf(invocation)
  const warn = (siblings: number) => warnOfSiblings(invocation, siblings, placeOf(key))
  if (invocation.json || invocation.flag('all')) {
    const found = await withValueOf(key, 'look', () => invocation.client().getAll(key, options))
    return printVersions(invocation, found, warn)
  }
  const shown = await withValueOf(key, 'look', () => invocation.client().get(key, options))
  await invocation.output.bytes(shown.value)
  if (shown.siblings > 1) await warn(shown.siblings)
}

/** The flags of a read. Throws UsageError. */
export function readOptionsOf(invocation: Invocation): ReadOptions {
  const timeoutMs = invocation.durationMs('timeout')
  const consistency = invocation.text('consistency') as ReadOptions['consistency']
  return { ...(consistency && { consistency }), ...(timeoutMs !== undefined && { timeoutMs }) }
}

/** Prints every version: as JSON, or one after the other with a heading. */
export async function printVersions(
  invocation: Invocation,
  found: Versions,
  warn: (siblings: number) => Promise<void>,
): Promise<void> {
  if (invocation.json) await invocation.output.json(found)
  else for (const [index, version] of found.versions.entries()) await printVersion(invocation, index + 1, version)
  const siblings = found.versions.length
  if (siblings > 1 && !invocation.flag('all')) await warn(siblings)
}

/** A heading, the bytes as they are, and a line end if they have none. */
async function printVersion(invocation: Invocation, number: number, version: Version): Promise<void> {
  const { output } = invocation
  const { bold, gray } = output.colors
  const expires = version.expires ? `  expires ${version.expires}` : ''
  const origin = `${version.time}  ${printable(version.node)}  ${version.dot}${expires}`
  await output.line(`${bold(`[${number}]`)} ${gray(origin)}`)
  const bytes = Buffer.from(version.value, version.encoding === 'base64' ? 'base64' : 'utf8')
  await output.bytes(bytes)
  if (bytes.at(-1) !== 0x0a) await output.bytes(Buffer.from('\n'))
}

/** Place of siblings, and the commands that show and settle them. */
export interface ConflictPlace {
  readonly what: string
  readonly look: string
  readonly settle: string
}

/** A key as such a place. */
export function placeOf(key: string): ConflictPlace {
  const name = printable(key)
  return { what: name, look: `hearsay get ${name} --all`, settle: `hearsay resolve ${name}` }
}

/** Says on stderr that there is more than the shown winner, and how to look at it and settle it. */
export function warnOfSiblings(
  invocation: Invocation,
  siblings: number,
  { what, look, settle }: ConflictPlace,
  role = 'this is the latest',
): Promise<void> {
  const message = `${what} has ${count(siblings, 'sibling')}; ${role}. See \`${look}\`, settle with \`${settle}\``
  return invocation.output.warn(message)
}
