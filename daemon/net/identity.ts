/**
 * The node's identity and the mesh secret: two small files in the data directory, written atomically and readable by
 * their owner alone.
 */
import { createHash, createPrivateKey, createPublicKey, randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { HearsayError } from '../../store/errors.js'
import { readPrivateFile, writePrivateFile } from '../private-files.js'

/** The file with the Ed25519 identity. */
export const peerKeyFile = 'peer.key'
/** The file with the mesh secret. */
export const meshSecretFile = 'mesh.secret'
/** Bytes of a mesh secret. */
export const meshSecretBytes = 32

const seedBytes = 32
const checkDigits = 8
/** DER before the 32 bytes of an Ed25519 seed in PKCS#8 (RFC 8410). */
const pkcs8Prefix = Buffer.from('302e020100300506032b657004220420', 'hex')
/** Identity multihash of a 36-byte libp2p public key of type Ed25519 (libp2p peer id specification). */
const peerIdPrefix = Buffer.from('002408011220', 'hex')
const base58Digits = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz'

/** An Ed25519 key pair and the peer id that follows from it. */
export interface Identity {
  /** The libp2p peer id in its text form. */
  readonly peer: string
  /** The 32 bytes that the key pair is derived from. */
  readonly seed: Uint8Array
  readonly publicKey: Uint8Array
}

/** The identity that follows from a seed of 32 bytes; a new random one by default. */
export function createIdentity(seed: Uint8Array = randomBytes(seedBytes)): Identity {
  const key = createPrivateKey({ key: Buffer.concat([pkcs8Prefix, seed]), format: 'der', type: 'pkcs8' })
  const jwk = createPublicKey(key).export({ format: 'jwk' })
  const publicKey = new Uint8Array(Buffer.from(jwk.x ?? '', 'base64url'))
  return { peer: base58(Buffer.concat([peerIdPrefix, publicKey])), seed: new Uint8Array(seed), publicKey }
}

/**
 * Reads the identity of a data directory; makes it at the first start. Throws STORE_FAILED when the file is damaged.
 */
export async function loadIdentity(dataDirectory: string): Promise<Identity> {
  const path = join(dataDirectory, peerKeyFile)
  const remedy = 'restore it from a backup, or delete it: the node then comes back under a new identity'
  return createIdentity(await loadOrCreate(path, seedBytes, remedy))
}

/** Gives a data directory a new identity (or the given one) in place of the old, durably. */
export async function replaceIdentity(dataDirectory: string, identity = createIdentity()): Promise<Identity> {
  await writePrivateFile(join(dataDirectory, peerKeyFile), encode(identity.seed), 'replace')
  return identity
}

/** Reads the mesh secret; makes one at the first start. Throws STORE_FAILED when the file is damaged. */
export async function loadMeshSecret(dataDirectory: string): Promise<Uint8Array> {
  const path = join(dataDirectory, meshSecretFile)
  const remedy = 'restore it from a backup, or delete it and join the mesh again with an invitation'
  return loadOrCreate(path, meshSecretBytes, remedy)
}

/** Replaces the mesh secret, durably: on joining another mesh. */
export async function replaceMeshSecret(dataDirectory: string, secret: Uint8Array): Promise<void> {
  if (secret.length !== meshSecretBytes) throw new RangeError(`a mesh secret has ${meshSecretBytes} bytes`)
  await writePrivateFile(join(dataDirectory, meshSecretFile), encode(secret), 'replace')
}

async function loadOrCreate(path: string, bytes: number, remedy: string): Promise<Uint8Array> {
  for (;;) {
    const text = await readPrivateFile(path)
    if (text !== undefined) {
      const found = decode(text, bytes)
      if (found === undefined) throw new HearsayError('STORE_FAILED', `${path} is damaged; ${remedy}`, { path })
      return found
    }
    await writePrivateFile(path, encode(randomBytes(bytes)), 'create')
  }
}

/**
 * One line: the bytes in hexadecimal and the first digits of their SHA-256, so that a flipped bit is not a new
 * identity.
 */
function encode(bytes: Uint8Array): string {
  return `${Buffer.from(bytes).toString('hex')}-${checkOf(bytes)}\n`
}

function decode(text: string, bytes: number): Uint8Array | undefined {
  const match = /^([0-9a-f]+)-([0-9a-f]+)\n?$/.exec(text)
  if (match?.[1] === undefined || match[1].length !== bytes * 2) return undefined
  const decoded = new Uint8Array(Buffer.from(match[1], 'hex'))
  return checkOf(decoded) === match[2] ? decoded : undefined
}

function checkOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex').slice(0, checkDigits)
}

/** Base58 as Bitcoin and libp2p use it. */
function base58(bytes: Uint8Array): string {
  let value = BigInt(`0x${Buffer.from(bytes).toString('hex')}`)
  let text = ''
  for (; value > 0n; value /= 58n) text = base58Digits.charAt(Number(value % 58n)) + text
  for (let index = 0; bytes[index] === 0; index++) text = `1${text}`
  return text
}
