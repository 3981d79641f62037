/** Invitations: one token with the mesh secret and the addresses of a member; a checksum detects typing errors. */
import { HearsayError } from '../../store/errors.js'
import { ByteReader, ByteWriter } from '../../store/model/bytes.js'
import { sha256 } from '../../store/model/digest.js'
import type { PeerId } from '../network.js'
import { normalizedAddresses } from './core/record.js'
import { addressBytesMax, addressesMax, inviteCharactersMax, peerBytesMax } from './limits.js'

/** Content of an invitation. */
export interface Invite {
  /** The mesh secret, 32 bytes. */
  readonly secret: Uint8Array
  /** The member that invites. */
  readonly peer: PeerId
  /** Multiaddrs it can be reached at. */
  readonly addresses: readonly string[]
}

const inviteVersion = 1
const secretBytes = 32
const checksumBytes = 4
const start = 'hearsay-'

/**
 * The token of an invitation. Whoever has it can read and write everything. Throws a RangeError for a secret of another
 * length.
 */
export function encodeInvite(invite: Invite): string {
  if (invite.secret.length !== secretBytes) throw new RangeError(`a mesh secret has ${secretBytes} bytes`)
  const addresses = normalizedAddresses(invite.addresses)
  const writer = new ByteWriter().u8(inviteVersion).raw(invite.secret).text(invite.peer).varint(addresses.length)
  for (const address of addresses) writer.text(address)
  const body = writer.finish()
  return start + Buffer.concat([body, checksum(body)]).toString('base64url')
}

/** Reads a token; white space around it does not matter. Throws BAD_TOKEN for anything else. */
export function decodeInvite(token: string): Invite {
  const text = token.trim()
  const encoded = text.slice(start.length)
  if (!text.startsWith(start) || text.length > inviteCharactersMax || !/^[A-Za-z0-9_-]+$/.test(encoded)) {
    throw badToken(`an invitation starts with ${start}`)
  }
  const bytes = Buffer.from(encoded, 'base64url')
  const body = bytes.subarray(0, -checksumBytes)
  const isWhole = bytes.length > checksumBytes && bytes.toString('base64url') === encoded
  if (!isWhole || !bytes.subarray(-checksumBytes).equals(checksum(body))) {
    throw badToken('a part of the invitation is missing or altered')
  }
  try {
    return readBody(new ByteReader(body))
  } catch (error) {
    if (error instanceof HearsayError) throw error
    throw badToken('the invitation is malformed')
  }
}

function readBody(reader: ByteReader): Invite {
  if (reader.u8() !== inviteVersion) throw badToken('the invitation is of another version of hearsay')
  const secret = Uint8Array.from(reader.raw(secretBytes))
  const peer = reader.text(peerBytesMax)
  const addresses: string[] = []
  for (let left = reader.count(addressesMax); left > 0; left--) addresses.push(reader.text(addressBytesMax))
  reader.end()
  return { secret, peer, addresses }
}

function checksum(body: Uint8Array): Buffer {
  return sha256(body).subarray(0, checksumBytes)
}

function badToken(why: string): HearsayError {
  return new HearsayError('BAD_TOKEN', `${why}; copy the whole invitation`)
}
