/** Files and folders that are their owner's alone: the data directory, the API token. */
import { randomBytes } from 'node:crypto'
import {
  chmodSync,
  closeSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { open, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { HearsayError } from '../store/errors.js'

const ownerOnlyFile = 0o600
const ownerOnlyFolder = 0o700
const tokenBytes = 32

/** Makes a folder that only its owner can look into, with what is above it. Throws BAD_CONFIG when that cannot be. */
export function makePrivateFolder(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: ownerOnlyFolder })
    const { mode, uid } = statSync(path)
    if ((mode & 0o777) !== ownerOnlyFolder && uid === process.getuid?.()) chmodSync(path, ownerOnlyFolder)
  } catch (error) {
    const message = `the data directory ${path} cannot be made or used (${(error as Error).message}); choose another with --data`
    throw new HearsayError('BAD_CONFIG', message, { key: 'data' }, { cause: error })
  }
}

/** The token of the API over TCP, in `api.token`; made at the first start. */
export function loadApiToken(dataDirectory: string): string {
  const path = join(dataDirectory, 'api.token')
  for (;;) {
    const token = readIfThere(path)
    if (token !== undefined && token.length >= tokenBytes) {
      if ((statSync(path).mode & 0o077) !== 0) chmodSync(path, ownerOnlyFile)
      return token
    }
    if (token !== undefined) rmSync(path, { force: true })
    createWhole(path, `${randomBytes(tokenBytes).toString('base64url')}\n`)
  }
}

/** Puts a file in place of another, whole or not at all, durably. */
export async function replacePrivateFile(path: string, text: string): Promise<void> {
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`
  try {
    const file = await open(temporary, 'wx', ownerOnlyFile)
    try {
      await file.writeFile(text)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, path)
  } finally {
    await rm(temporary, { force: true })
  }
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** Writes a new file whole or not at all; one that is there already stays. */
function createWhole(path: string, text: string): void {
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`
  const file = openSync(temporary, 'wx', ownerOnlyFile)
  try {
    writeSync(file, text)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
  try {
    linkSync(temporary, path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  } finally {
    rmSync(temporary, { force: true })
  }
}
