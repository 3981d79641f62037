/** Context tokens: what a client read at one address, bound to that address and authenticated. */
import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto'
import type { Address } from './address.js'
import { ByteReader, ByteWriter } from './bytes.js'
import { readDots, readNamedDots, writeNamedDots } from './codec.js'
import type { NamedDot } from './dot.js'
import { versionsMax } from './limits.js'
import { typeNumber } from './types.js'

const tokenVersion = 2
/** Tokens of this version name dots without their contents. */
const bareVersion = 1
const tagBytes = 16

/** Characters of a token that is looked at; a longer one is refused before it is decoded. */
export const tokenCharactersMax = 4 * 1024 * 1024

/**
 * The key that tokens are authenticated with, derived from the mesh secret, so that a token is valid on every node of
 * the mesh.
 */
export function tokenKey(meshSecret: Uint8Array): Buffer {
  return Buffer.from(hkdfSync('sha256', meshSecret, new Uint8Array(0), 'hearsay context token', 32))
}

/** A token that names these dots at this address, with the digests of the contents that were read. */
export function encodeToken(key: Uint8Array, address: Address, dots: readonly NamedDot[]): string {
  const writer = new ByteWriter().u8(tokenVersion)
  writeNamedDots(writer, dots, versionsMax)
  const body = Buffer.from(writer.finish())
  return Buffer.concat([body, tag(key, address, body)]).toString('base64url')
}

/** The dots that a token names; undefined when it is malformed, altered, or of another address or mesh. */
export function decodeToken(key: Uint8Array, address: Address, token: string): NamedDot[] | undefined {
  if (token.length > tokenCharactersMax || !/^[A-Za-z0-9_-]+$/.test(token)) return undefined
  const bytes = Buffer.from(token, 'base64url')
  if (bytes.length <= tagBytes || bytes.toString('base64url') !== token) return undefined
  const body = bytes.subarray(0, -tagBytes)
  if (!timingSafeEqual(bytes.subarray(-tagBytes), tag(key, address, body))) return undefined
  try {
    const reader = new ByteReader(body)
    const version = reader.u8()
    if (version !== tokenVersion && version !== bareVersion) return undefined
    const dots = version === tokenVersion ? readNamedDots(reader, versionsMax) : readDots(reader, versionsMax)
    reader.end()
    return dots
  } catch {
    return undefined
  }
}

function tag(key: Uint8Array, address: Address, body: Uint8Array): Buffer {
  // As writeAddress, but nobody reads it back: a document's tokens are bound to a longer field.
  const writer = new ByteWriter(64).u8(typeNumber(address.type)).text(address.key).bytes(address.field)
  return createHmac('sha256', key).update(writer.finish()).update(body).digest().subarray(0, tagBytes)
}
