/**
 * Bound on what local writes store at one address: siblings without end would make each further write, and each reader,
 * pay for all of them.
 */
import { HearsayError } from '../errors.js'
import type { Address } from '../model/address.js'
import { type Dot, matcherOf } from '../model/dot.js'
import { localVersionBytesMax, localVersionsMax } from '../model/limits.js'
import type { Type } from '../model/types.js'
import type { Version } from '../model/update.js'

/**
 * Types whose versions are siblings that somebody can settle. A counter holds one version for each run that counted,
 * and must go on.
 */
const boundTypes: ReadonlySet<Type> = new Set(['reg', 'map', 'doc'])

/**
 * Throws TOO_MANY_SIBLINGS for a put that would leave more at its address than the limits allow, and more than there
 * was: one that settles a part of what came from peers is always taken. A value that would stand alone is bound by its
 * own limit.
 */
export function assertRoom(
  address: Address,
  versions: readonly Version[],
  supersedes: readonly Dot[],
  value: Uint8Array,
): void {
  if (!boundTypes.has(address.type) || versions.length === 0) return
  const isSuperseded = matcherOf(supersedes)
  let count = 1
  let bytes = value.length
  let bytesBefore = 0
  for (const version of versions) {
    bytesBefore += version.value.length
    if (isSuperseded(version.dot)) continue
    count++
    bytes += version.value.length
  }
  const isCrowded = count > localVersionsMax && count > versions.length
  const isHeavy = count > 1 && bytes > localVersionBytesMax && bytes > bytesBefore
  if (!isCrowded && !isHeavy) return
  const held = isCrowded ? `${versions.length} versions` : `${bytesBefore} bytes in ${versions.length} versions`
  const limit = isCrowded ? `${localVersionsMax} versions` : `${localVersionBytesMax} bytes beside one another`
  throw new HearsayError(
    'TOO_MANY_SIBLINGS',
    `${nameOf(address)} holds ${held}, and takes at most ${limit}; nothing was stored: read all versions, then settle the conflict by one write with the context of that answer`,
    { versions: versions.length, bytes: bytesBefore, versionsMax: localVersionsMax, bytesMax: localVersionBytesMax },
  )
}

function nameOf({ key, type, field }: Address): string {
  if (type === 'map') return `field "${Buffer.from(field).toString()}" of map "${key}"`
  return type === 'doc' ? `document "${key}"` : `"${key}"`
}
