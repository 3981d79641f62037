/** Identity and mesh secret on disk. */
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { privateKeyFromRaw } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { afterEach, beforeEach, expect, test } from 'vitest'
import * as identity from '../../daemon/net/identity.js'

let directory: string

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'identity-'))
})

afterEach(() => rm(directory, { recursive: true }))

test('the peer id is the one that libp2p derives', () => {
  for (let round = 0; round < 20; round++) {
    const { peer, seed, publicKey } = identity.createIdentity()
    expect(peer).toBe(peerIdFromPrivateKey(privateKeyFromRaw(Buffer.concat([seed, publicKey]))).toString())
  }
  const known = identity.createIdentity(new Uint8Array(32))
  expect(known.peer).toBe('12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN')
})

test('identity and secret are made once, readable by the owner alone, and stay', async () => {
  const first = await identity.loadIdentity(directory)
  const secret = await identity.loadMeshSecret(directory)
  expect(secret).toHaveLength(identity.meshSecretBytes)
  expect(await identity.loadIdentity(directory)).toEqual(first)
  expect(await identity.loadMeshSecret(directory)).toEqual(secret)
  for (const file of [identity.peerKeyFile, identity.meshSecretFile]) {
    expect((await stat(join(directory, file))).mode & 0o777).toBe(0o600)
  }
  expect((await readdir(directory)).sort()).toEqual([identity.meshSecretFile, identity.peerKeyFile])
})

test('two first starts at once agree', async () => {
  const all = await Promise.all(Array.from({ length: 8 }, () => identity.loadIdentity(directory)))
  expect(new Set(all.map(({ peer }) => peer)).size).toBe(1)
})

test('both can be replaced', async () => {
  const first = await identity.loadIdentity(directory)
  const second = await identity.replaceIdentity(directory)
  expect(second.peer).not.toBe(first.peer)
  expect(await identity.loadIdentity(directory)).toEqual(second)
  const secret = new Uint8Array(32).fill(7)
  await identity.replaceMeshSecret(directory, secret)
  expect(await identity.loadMeshSecret(directory)).toEqual(secret)
  await expect(identity.replaceMeshSecret(directory, new Uint8Array(31))).rejects.toThrow(RangeError)
})

test('a damaged file is an error that names it, never a new identity', async () => {
  for (const [file, load] of [
    [identity.peerKeyFile, identity.loadIdentity],
    [identity.meshSecretFile, identity.loadMeshSecret],
  ] as const) {
    await load(directory)
    const path = join(directory, file)
    const text = await readFile(path, 'utf8')
    const flipped = (text.startsWith('0') ? '1' : '0') + text.slice(1)
    for (const damaged of ['', flipped, text.slice(0, 40), `${text}x`, text.toUpperCase().replace(/[0-9]/g, 'A')]) {
      await writeFile(path, damaged)
      await expect(load(directory)).rejects.toMatchObject({
        code: 'STORE_FAILED',
        message: expect.stringContaining(path),
      })
    }
  }
})

test('a file that others could read is closed to them', async () => {
  await identity.loadMeshSecret(directory)
  const path = join(directory, identity.meshSecretFile)
  await chmod(path, 0o644)
  await identity.loadMeshSecret(directory)
  expect((await stat(path)).mode & 0o777).toBe(0o600)
})
