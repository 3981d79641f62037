/** Updates, contexts and secrets that the examples of several decoders are made of. */
import { baselineOf, diffCapture } from '../../../protocols/sync/core/captures.js'
import { register } from '../../../store/model/address.js'
import { Context } from '../../../store/model/context.js'
import { tokenKey } from '../../../store/model/token.js'
import type { Update } from '../../../store/model/update.js'

/** One actor, as it stands on the wire. */
export const actor = '0102030405060708'
/** Another one. */
export const other = '1112131415161718'
/** A member. */
export const tag = 'aaaaaaaaaaaaaaaa'
/** Every actor is a run of that member. */
export const memberOf = () => tag
/** A dot just within what can be counted. */
export const dot = { actor, counter: 2 ** 53 - 3 }
/** Where the versions of the examples live. */
export const address = register('key')
/** What they hold. */
export const value = Buffer.from('value')
/** When they were written. */
export const time = { ms: 1_700_000_000_000, logical: 3 }
/** A put over another version. */
export const put: Update = {
  dot,
  address,
  kind: 'put',
  time,
  expiresAtMs: 5,
  value,
  supersedes: [{ actor: other, counter: 300 }],
}
/** A delete of that put. */
export const remove: Update = {
  ...put,
  dot: { actor: other, counter: 301 },
  kind: 'delete',
  expiresAtMs: null,
  value: null,
  supersedes: [dot],
}
/** The members of both actors. */
export const members = new Map([
  [actor, tag],
  [other, tag],
])
/** A context with a gap. */
export const context = Context.of([
  dot,
  { actor: other, counter: 1 },
  { actor: other, counter: 2 },
  { actor: other, counter: 9 },
])
/** What was seen, and of that what was applied. */
export const contexts = { seen: context, applied: Context.of([dot]) }
/** Contexts as a session sends them first. */
export const capture = diffCapture(
  { ...contexts, members, root: Buffer.alloc(16, 7), entries: 3 },
  baselineOf(),
  memberOf,
)
/** The secret of a mesh. */
export const secret = new Uint8Array(32).fill(3)
/** The key of its tokens. */
export const key = tokenKey(secret)
