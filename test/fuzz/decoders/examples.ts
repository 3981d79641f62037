/** Updates, contexts and secrets that the examples of several decoders are made of. */
import { baselineOf, diffCapture } from '../../../protocols/sync/core/captures.js'
import { register } from '../../../store/model/address.js'
import { Context } from '../../../store/model/context.js'
import { tokenKey } from '../../../store/model/token.js'
import type { Update } from '../../../store/model/update.js'

/** One actor, as it stands on the wire. */
export const exampleActor = '0102030405060708'
/** Another one. */
export const other = '1112131415161718'
/** A member. */
export const tag = 'aaaaaaaaaaaaaaaa'
/** Every actor is a run of that member. */
export const exampleMember = () => tag
/** A dot just within what can be counted. */
export const exampleDot = { actor: exampleActor, counter: 2 ** 53 - 3 }
/** Where the versions of the examples live. */
export const address = register('key')
/** What they hold. */
export const value = Buffer.from('value')
/** When they were written. */
export const exampleTime = { ms: 1_700_000_000_000, logical: 3 }
/** A put over another version. */
export const examplePut: Update = {
  dot: exampleDot,
  address,
  kind: 'put',
  time: exampleTime,
  expiresAtMs: 5,
  value,
  supersedes: [{ actor: other, counter: 300 }],
}
/** A delete of that put. */
export const exampleRemove: Update = {
  ...examplePut,
  dot: { actor: other, counter: 301 },
  kind: 'delete',
  expiresAtMs: null,
  value: null,
  supersedes: [exampleDot],
}
/** The members of both actors. */
export const exampleMembers = new Map([
  [exampleActor, tag],
  [other, tag],
])
/** A context with a gap. */
export const context = Context.of([
  exampleDot,
  { actor: other, counter: 1 },
  { actor: other, counter: 2 },
  { actor: other, counter: 9 },
])
/** What was seen, and of that what was applied. */
export const contexts = { seen: context, applied: Context.of([exampleDot]) }
/** Contexts as a session sends them first. */
export const capture = diffCapture(
  { ...contexts, members: exampleMembers, root: Buffer.alloc(16, 7), entries: 3 },
  baselineOf(),
  exampleMember,
)
/** The secret of a mesh. */
export const exampleSecret = new Uint8Array(32).fill(3)
/** The key of its tokens. */
export const key = tokenKey(exampleSecret)
