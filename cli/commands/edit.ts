/**
 * `hearsay edit`: opens the value of a key in an editor and stores what was changed, in place of exactly what was
 * shown.
 */
import type { PutOptions, Version, Versions, Written } from '../client.js'
import type { Action, Invocation } from '../command.js'
import { assertEditable } from '../editor.js'
import { HearsayApiError, UsageError } from '../failure.js'
import { printable, shellWord } from '../output.js'
import { edit as editDocument } from './doc.js'
import { editAndStore } from './editing.js'
import { placeOf } from './get.js'
import { warnOfRest } from './put.js'
import { withValueOf } from './types.js'

/** Edits a value, or a document when the key has one and no value. */
export const edit: Action = async (invocation) => {
  const key = invocation.argument(0)
  assertEditable(invocation.io, 'use `put`')
  const shown = await lookUp(invocation, key)
  if (shown === 'document') return editAsDocument(invocation)
  const versions = shown?.versions ?? []
  const text = textOf(key, versions)
  const store = (saved: Uint8Array) => storeValue(invocation, key, { shown, text, saved })
  const written = await editAndStore(invocation, { key, text, ending: '', store })
  if (written !== undefined) await warnOfRest(invocation, written, placeOf(key))
}

function editAsDocument(invocation: Invocation): ReturnType<Action> {
  if (invocation.text('ttl') === undefined) return editDocument(invocation)
  throw new UsageError('a document has no time to live: leave --ttl out')
}

/**
 * The versions of a key; undefined when it holds nothing. Throws NOT_FOUND for what is neither a value nor a document.
 */
async function lookUp(invocation: Invocation, key: string): Promise<Versions | 'document' | undefined> {
  try {
    return await withValueOf(key, 'look', () => invocation.client().getAll(key))
  } catch (error) {
    if (!(error instanceof HearsayApiError) || error.code !== 'NOT_FOUND') throw error
    const { types } = error.details
    if (!Array.isArray(types) || types.length === 0) return undefined
    if (types.includes('doc')) return 'document'
    throw error
  }
}

/** The value, or every sibling between lines that say whose it is. Throws UsageError when one is not text. */
function textOf(key: string, versions: readonly Version[]): string {
  if (versions.some(({ encoding }) => encoding === 'base64')) throw notText(key)
  const [only] = versions
  if (versions.length < 2) return only?.value ?? ''
  const blocks = versions.map(
    (version, at) => `${headingOf(version, at, versions.length)}\n${withLineEnd(version.value)}`,
  )
  return `${blocks.join('')}${lastLine}\n`
}

const lastLine = '>>>>>>> make one value of these, and delete this line and those like it'

/** The line above a sibling, as of a merge conflict. */
function headingOf({ node, time }: Version, at: number, count: number): string {
  return `${at === 0 ? '<<<<<<<' : '======='} ${at + 1} of ${count}: ${printable(node)}, ${time}`
}

function withLineEnd(text: string): string {
  return text === '' || text.endsWith('\n') ? text : `${text}\n`
}

function notText(key: string): UsageError {
  const word = shellWord(key)
  const calls = `\`hearsay get ${word} > FILE\`, \`hearsay put ${word} --file FILE\``
  return new UsageError(`${printable(key)} is not UTF-8 text, and an editor would change it: use ${calls}`)
}

interface Saved {
  readonly shown: Versions | undefined
  readonly text: string
  readonly saved: Uint8Array
}

/** Stores what was saved, in place of what was shown; undefined when it is the same. */
async function storeValue(
  invocation: Invocation,
  key: string,
  { shown, text, saved }: Saved,
): Promise<Written | undefined> {
  const versions = shown?.versions ?? []
  const value = savedText(decoded(saved), versions)
  if (value === text || value === savedText(text, versions)) return undefined
  assertSettled(value, versions)
  const ttlMs = invocation.durationMs('ttl') ?? timeLeft(invocation, key, versions)
  const options: PutOptions = {
    ...invocation.nodes(),
    ...(ttlMs !== undefined && { ttlMs }),
    ...(shown === undefined ? { ifAbsent: true } : { context: shown.context }),
  }
  return invocation.client().put(key, value, options)
}

/** Editors end the last line; a value that had no end there is stored without. */
function savedText(text: string, versions: readonly Version[]): string {
  const hasLineEnd = versions.some(({ value }) => value.endsWith('\n'))
  return hasLineEnd ? text : text.replace(/\r?\n$/, '')
}

function decoded(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (error) {
    throw new UsageError('what was saved is not UTF-8: store it with `hearsay put --file` if it is meant so', {
      cause: error,
    })
  }
}

/** Throws CONFLICT while a line that separated siblings is still there. */
function assertSettled(text: string, versions: readonly Version[]): void {
  if (versions.length < 2) return
  const lines = new Set(text.split(/\r?\n/))
  const left = [lastLine, ...versions.map((version, at) => headingOf(version, at, versions.length))].find((line) =>
    lines.has(line),
  )
  if (left === undefined) return
  throw new HearsayApiError('CONFLICT', 0, `the line '${left}' is still there; nothing was stored`)
}

/**
 * Time that is left of the latest deadline, in milliseconds; undefined when a version has none. Throws UsageError when
 * it is over.
 */
function timeLeft({ io }: Invocation, key: string, versions: readonly Version[]): number | undefined {
  const deadlines = versions.map(({ expires }) => expires)
  if (deadlines.length === 0 || deadlines.includes(null)) return undefined
  const leftMs = Math.max(...deadlines.map((deadline) => Date.parse(deadline!))) - io.nowMs()
  if (leftMs > 0) return leftMs
  throw new UsageError(`${printable(key)} has expired while it was edited: store it again with --ttl`)
}
