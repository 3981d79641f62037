/** `hearsay get`: prints the shown winner byte for byte, or every sibling. */
import type { ReadOptions, Version } from '../client.js'
import type { Action, Invocation } from '../command.js'
import { count, printable } from '../output.js'

/** Prints a value. */
export const get: Action = async (invocation) => {
  const key = invocation.argument(0)
  const options = optionsOf(invocation)
  if (invocation.json || invocation.flag('all')) return printAll(invocation, key, options)
  const shown = await invocation.client().get(key, options)
  await invocation.output.bytes(shown.value)
  if (shown.siblings > 1) await warnOfSiblings(invocation, key, shown.siblings)
}

function optionsOf(invocation: Invocation): ReadOptions {
  const timeoutMs = invocation.durationMs('timeout')
  const consistency = invocation.text('consistency') as ReadOptions['consistency']
  return { ...(consistency && { consistency }), ...(timeoutMs !== undefined && { timeoutMs }) }
}

async function printAll(invocation: Invocation, key: string, options: ReadOptions): Promise<void> {
  const found = await invocation.client().getAll(key, options)
  if (invocation.json) await invocation.output.json(found)
  else for (const [index, version] of found.versions.entries()) await printVersion(invocation, index + 1, version)
  const siblings = found.versions.length
  if (siblings > 1 && !invocation.flag('all')) await warnOfSiblings(invocation, key, siblings)
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

function warnOfSiblings(invocation: Invocation, key: string, siblings: number): Promise<void> {
  const name = printable(key)
  return invocation.output.warn(
    `${name} has ${count(siblings, 'sibling')}; this is the latest. See \`hearsay get ${name} --all\`, settle with \`hearsay resolve ${name}\``,
  )
}
