/**
 * `hearsay get` of several keys: one line each, as `ls --values` prints them; those that are absent are named on
 * stderr.
 */

import { encode } from '../client/requests.js'
import type { Shown, Versions } from '../client.js'
import type { Action, Invocation } from '../command.js'
import { HearsayApiError } from '../failure.js'
import { getsAtOnce } from '../limits.js'
import { printable } from '../output.js'
import { remedyOf } from '../remedies.js'
import { get, placeOf, printVersions, readOptionsOf, warnOfSiblings } from './get.js'
import { valueColumn } from './ls.js'
import { withValueOf } from './types.js'

/** Prints the values of one key or of several, in the order asked for. Resolves with 3 when one of them is absent. */
export const getAny: Action = async (invocation) => {
  if (invocation.positionals.length === 1) return get(invocation)
  const isWhole = invocation.json || invocation.flag('all')
  let exit = 0
  for await (const { key, found } of readAll(invocation, isWhole)) {
    if (found instanceof HearsayApiError) exit = await reportAbsent(invocation, found)
    else if ('versions' in found) await printAll(invocation, key, found)
    else await printShown(invocation, key, found)
  }
  return exit
}

interface Read {
  readonly key: string
  readonly found: Shown | Versions | HearsayApiError
}

/**
 * Reads some keys at once, and gives what was found in the order of the arguments. What is not absent and fails is
 * thrown.
 */
async function* readAll(invocation: Invocation, isWhole: boolean): AsyncGenerator<Read> {
  const options = readOptionsOf(invocation)
  const client = invocation.client()
  const read = (key: string) => readOne(key, () => (isWhole ? client.getAll(key, options) : client.get(key, options)))
  const pending: Promise<Read>[] = []
  const keys = invocation.positionals[Symbol.iterator]()
  try {
    for (;;) {
      for (let next = keys.next(); !next.done; next = keys.next()) {
        const started = read(next.value)
        started.catch(() => undefined)
        pending.push(started)
        if (pending.length >= getsAtOnce) break
      }
      const first = pending.shift()
      if (first === undefined || !invocation.output.isRead) return
      yield await first
    }
  } finally {
    await Promise.allSettled(pending)
  }
}

async function readOne(key: string, ask: () => Promise<Shown | Versions>): Promise<Read> {
  try {
    return { key, found: await withValueOf(key, 'look', ask) }
  } catch (error) {
    if (error instanceof HearsayApiError && error.code === 'NOT_FOUND') return { key, found: error }
    throw error
  }
}

async function reportAbsent(
  { output }: Invocation,
  { code, message, details, exit }: HearsayApiError,
): Promise<number> {
  await output.error(code, message, remedyOf(code, { command: 'get', details }), details)
  return exit
}

async function printAll(invocation: Invocation, key: string, found: Versions): Promise<void> {
  if (!invocation.json) await invocation.output.line(invocation.output.colors.bold(printable(key)))
  await printVersions(invocation, found, (siblings) => warnOfSiblings(invocation, siblings, placeOf(key)))
}

async function printShown(invocation: Invocation, key: string, shown: Shown): Promise<void> {
  const isTerminal = invocation.io.stdoutTerminal
  const { value, encoding } = encode(shown.value)
  await invocation.output.line(`${isTerminal ? printable(key) : key}${valueColumn(value, encoding, isTerminal)}`)
  if (shown.siblings > 1) await warnOfSiblings(invocation, shown.siblings, placeOf(key))
}
