/** `hearsay doc`: JSON documents whose parts merge. */
import type { DocumentOptions, DocumentShown, Written } from '../client.js'
import type { Action, Invocation } from '../command.js'
import { assertEditable } from '../editor.js'
import { HearsayApiError, UsageError } from '../failure.js'
import { count, printable } from '../output.js'
import { deleteOptionsOf, reportDeleted } from './del.js'
import { editAndStore } from './editing.js'
import { readOptionsOf } from './get.js'
import { readValue, reportPut } from './put.js'

/** Prints a document, or the places inside that hold concurrent values. */
export const get: Action = async (invocation) => {
  const key = invocation.argument(0)
  const shown = await invocation.client().documents.get(key, readOptionsOf(invocation))
  await warnOf(invocation, shown)
  if (invocation.flag('conflicts')) return printConflicts(invocation, shown)
  if (invocation.json) return invocation.output.json(shown.document)
  await invocation.output.line(JSON.stringify(shown.document, null, 2))
}

async function printConflicts(invocation: Invocation, shown: DocumentShown): Promise<void> {
  const { output } = invocation
  if (invocation.json) return output.json(shown)
  for (const { path, values } of shown.conflicts) {
    await output.line(output.colors.bold(printable(path)))
    for (const [index, value] of values.entries()) await output.line(`  [${index + 1}] ${JSON.stringify(value)}`)
  }
}

async function warnOf(invocation: Invocation, { key, conflicts, unreadable }: DocumentShown): Promise<void> {
  const name = printable(key)
  if (unreadable > 0) {
    await invocation.output.warn(
      `${count(unreadable, 'version')} of ${name} cannot be read here; what is kept of it elsewhere may differ`,
    )
  }
  if (conflicts.length === 0 || invocation.flag('conflicts')) return
  await invocation.output.warn(
    `${name} holds concurrent values in ${count(conflicts.length, 'place')}; see \`hearsay doc get ${name} --conflicts\`, settle with \`hearsay doc patch\``,
  )
}

/** Makes a document show the given JSON. */
export const put: Action = async (invocation) => {
  const json = await readValue(invocation, 1)
  const written = await invocation.client().documents.put(invocation.argument(0), json, optionsOf(invocation))
  return reportPut(invocation.output, written, { json: invocation.json, what: 'stored' })
}

/** Applies a patch: RFC 6902 when it is a list, RFC 7396 when it is an object. */
export const patch: Action = async (invocation) => {
  const bytes = await readValue(invocation, 1)
  const isList = /^\s*\[/.test(Buffer.from(bytes.subarray(0, headBytes)).toString())
  if (invocation.flag('json-patch') && !isList) throw new UsageError('a JSON patch (RFC 6902) is a list of operations')
  const { documents } = invocation.client()
  const [key, options] = [invocation.argument(0), optionsOf(invocation)]
  const written = isList ? await documents.patch(key, bytes, options) : await documents.merge(key, bytes, options)
  return reportPut(invocation.output, written, { json: invocation.json, what: 'patched' })
}

/** Bytes in which the first character is looked for, which tells the kind of a patch. */
const headBytes = 4096

/** Opens a document in an editor and stores what was changed; what others changed meanwhile stays. */
export const edit: Action = async (invocation) => {
  const key = invocation.argument(0)
  assertEditable(invocation.io, 'use `doc put` or `doc patch`')
  const shown = await shownOrNothing(invocation, key)
  const text = `${JSON.stringify(shown?.document ?? {}, null, 2)}\n`
  const save = (after: Uint8Array) => store(invocation, key, { before: text, after, context: shown?.context })
  await editAndStore(invocation, { key, text, ending: '.json', store: save })
}

async function shownOrNothing(invocation: Invocation, key: string): Promise<DocumentShown | undefined> {
  try {
    return await invocation.client().documents.get(key, readOptionsOf(invocation))
  } catch (error) {
    if (error instanceof HearsayApiError && error.code === 'NOT_FOUND') return undefined
    throw error
  }
}

/** Stores the difference; undefined when there is none. */
async function store(
  invocation: Invocation,
  key: string,
  { before, after, context }: { before: string; after: Uint8Array; context: string | undefined },
): Promise<Written | undefined> {
  const json = parsed(after)
  const text = Buffer.from(after).toString()
  // Numbers of many digits may differ and read alike: whether they fit is for the daemon to say.
  const isSame =
    text === before || (!/\d{16}/.test(text) && JSON.stringify(json) === JSON.stringify(JSON.parse(before)))
  if (isSame) return undefined
  const options = { ...invocation.nodes(), ...(context === undefined ? { ifAbsent: true } : { context }) }
  return await invocation.client().documents.put(key, after, options)
}

function parsed(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (error) {
    throw new UsageError(`this is not JSON in UTF-8: ${(error as Error).message}`, { cause: error })
  }
}

/** Deletes a document. */
export const remove: Action = async (invocation) => {
  const key = invocation.argument(0)
  const options = { ...deleteOptionsOf(invocation), ...invocation.once() }
  await invocation.client().documents.delete(key, options)
  await reportDeleted(invocation, key)
}

function optionsOf(invocation: Invocation): DocumentOptions {
  const context = invocation.text('context')
  return {
    ...invocation.nodes(),
    ...invocation.once(),
    ...(context !== undefined && { context }),
    ...(invocation.flag('if-absent') && { ifAbsent: true }),
  }
}
