/** JSON of the differences between this node's copy and that of a peer. */
import { dataTypeOf, type TypeTag } from '../../protocols/api/data-types.js'
import type { Diff, DiffSide, KeyDifference } from '../../protocols/api/mesh.js'
import type { ComparedEntry, ComparedVersion } from '../../protocols/sync/core/conversation.js'
import type { Address } from '../../store/model/address.js'
import { compareTimes } from '../../store/model/clock.js'
import { counterValue } from '../../store/model/counter.js'
import { valueHash } from '../../store/model/digest.js'
import { compareDots, dotText } from '../../store/model/dot.js'
import type { Mesh, MeshDifferences } from '../views/mesh-view.js'
import { encodeValue, isoTime } from '../views/value-json.js'

/** The answer to a comparison. */
export function diffJson({ name, entries, more }: MeshDifferences, mesh: Mesh): Diff {
  return { peer: name, keys: entries.map((entry) => differenceJson(entry, mesh)), more }
}

function differenceJson({ address, here, there }: ComparedEntry, mesh: Mesh): KeyDifference {
  const { value: field, encoding } = encodeValue(address.field)
  return {
    key: address.key,
    // The users' entries alone are compared.
    type: address.type as TypeTag,
    field,
    ...(encoding === 'base64' && { fieldEncoding: encoding }),
    here: sideJson(address, here, mesh),
    there: sideJson(address, there, mesh),
  }
}

function sideJson(address: Address, versions: readonly ComparedVersion[], mesh: Mesh): DiffSide {
  if (versions.length === 0) return null
  const latestFirst = [...versions].sort((a, b) => compareTimes(b.time, a.time) || compareDots(b.dot, a.dot))
  const counter = address.type === 'ctr' ? totalOf(versions) : undefined
  return {
    versions: latestFirst.map((version) => versionOf(address, version, mesh)),
    ...(counter !== undefined && { counter }),
  }
}

function versionOf({ type }: Address, { dot, member, time, expiresAtMs, value }: ComparedVersion, mesh: Mesh) {
  const isShown = value !== null && dataTypeOf(type)?.showsValueInFeed === true
  return {
    dot: dotText(dot),
    node: mesh.nameOf(member),
    time: isoTime(time.ms),
    expires: isoTime(expiresAtMs),
    ...(isShown ? encodeValue(value) : { value: null, encoding: null }),
  }
}

/** Value of a counter; undefined when it is deleted, or a part of it is not known. */
function totalOf(versions: readonly ComparedVersion[]): number | string | undefined {
  const known = versions.flatMap(({ value, ...version }) =>
    value === null ? [] : [{ ...version, value, valueHash: valueHash(value) }],
  )
  const total = known.length < versions.length ? undefined : counterValue(known)
  if (total === undefined) return undefined
  return Number.isSafeInteger(Number(total)) ? Number(total) : `${total}`
}
