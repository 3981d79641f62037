/** Addresses: where versions live. */

import { isMeshType, type Type } from './types.js'

/**
 * (key, type, field). The field is empty for registers, counters and documents; a member or a field's name otherwise.
 */
export interface Address {
  readonly key: string
  readonly type: Type
  readonly field: Uint8Array
}

/** The field of types that have none. */
export const noField: Uint8Array = new Uint8Array(0)

/** The address of a register. */
export function register(key: string): Address {
  return { key, type: 'reg', field: noField }
}

/** The address of a counter. */
export function counter(key: string): Address {
  return { key, type: 'ctr', field: noField }
}

/** The address of a set's member. */
export function setMember(key: string, member: Uint8Array): Address {
  return { key, type: 'set', field: member }
}

/** The address of a map's field. */
export function mapField(key: string, field: string): Address {
  return { key, type: 'map', field: Buffer.from(field) }
}

/** The address of a document. */
export function document(key: string): Address {
  return { key, type: 'doc', field: noField }
}

/** The address of one of the mesh's own records. */
export function systemAddress(key: string): Address {
  return { key, type: 'sys', field: noField }
}

/** A string that is equal for equal addresses alone; a key for maps in memory. */
export function addressText(address: Address): string {
  return `${address.type}/${address.key.length}/${address.key}/${Buffer.from(address.field).toString('latin1')}`
}

/** True if the address belongs to the users, and not to the mesh itself. */
export function isUserAddress(address: Address): boolean {
  return !isMeshType(address.type)
}
