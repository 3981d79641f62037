/** `hearsay counter`: counts up and down; every increment counts. */
import type { Action, Invocation } from '../command.js'
import { UsageError } from '../failure.js'
import { reportDeleted } from './del.js'
import { readOptionsOf } from './get.js'
import { durableOn } from './put.js'

/** Adds and prints the new value. */
export const increment: Action = async (invocation) => {
  const counted = await invocation.client().counters.increment(invocation.argument(0), byOf(invocation), {
    ...invocation.nodes(),
    ...invocation.once(),
  })
  if (invocation.json) return invocation.output.json(counted)
  await invocation.output.line(`${counted.value}${durableOn(counted.acks)}`)
}

/** Prints the value. */
export const get: Action = async (invocation) => {
  const counter = await invocation.client().counters.get(invocation.argument(0), readOptionsOf(invocation))
  if (invocation.json) return invocation.output.json(counter)
  await invocation.output.line(`${counter.value}`)
}

/** Deletes. */
export const remove: Action = async (invocation) => {
  const key = invocation.argument(0)
  await invocation.client().counters.delete(key, { ...invocation.nodes(), ...invocation.once() })
  await reportDeleted(invocation, key)
}

function byOf(invocation: Invocation): number {
  const text = invocation.positionals[1]
  if (text === undefined) return 1
  const by = Number(text)
  if (/^[+-]?\d+$/.test(text) && Number.isSafeInteger(by)) return by
  throw new UsageError(`invalid amount '${text}' for BY: use a whole number from -(2^53 - 1) to 2^53 - 1`)
}
