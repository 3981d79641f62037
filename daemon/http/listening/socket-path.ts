/**
 * Path of the API's Unix socket: in the data directory, or, when that path is too long for the kernel, in a short
 * private folder.
 */
import { lstatSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { HearsayError } from '../../../store/errors.js'
import { sha256 } from '../../../store/model/digest.js'

/** Bytes of a Unix socket's path that the kernel takes. */
export const socketPathBytesMax = 107

const ownerOnlyFolder = 0o700

/** Folders among which the place of the socket is chosen. */
export interface SocketPlace {
  readonly dataDirectory: string
  /** `$XDG_RUNTIME_DIR`. */
  readonly runtimeDirectory: string | undefined
  /** The folder for temporary files. */
  readonly temporaryDirectory: string
}

/**
 * The socket's path, free to be listened on: what a dead daemon left is removed. The caller holds the data directory's
 * lock. A path elsewhere is written to `api.path` in the data directory.
 */
export function prepareSocket(place: SocketPlace): string {
  const natural = join(place.dataDirectory, 'api.sock')
  const pointer = join(place.dataDirectory, 'api.path')
  if (Buffer.byteLength(natural) <= socketPathBytesMax) {
    rmSync(pointer, { force: true })
    removeStale(natural)
    return natural
  }
  const path = join(shortFolder(place), 'api.sock')
  removeStale(path)
  writeFileSync(pointer, `${path}\n`, { mode: 0o600 })
  return path
}

/** Removes what a daemon left behind, with the folder that was made for it. */
export function removeSocket(path: string, dataDirectory: string): void {
  rmSync(path, { force: true })
  if (dirname(path) === dataDirectory) return
  rmSync(join(dataDirectory, 'api.path'), { force: true })
  rmSync(dirname(path), { force: true, recursive: true })
}

function shortFolder({ dataDirectory, runtimeDirectory, temporaryDirectory }: SocketPlace): string {
  const name = `hearsay-${sha256(Buffer.from(dataDirectory)).toString('hex').slice(0, 12)}`
  for (const base of [runtimeDirectory, temporaryDirectory, '/tmp']) {
    if (base === undefined || !base.startsWith('/')) continue
    const folder = join(base, name)
    if (Buffer.byteLength(join(folder, 'api.sock')) > socketPathBytesMax - 8) continue
    try {
      return privateFolder(folder)
    } catch {
      // The next place may do.
    }
  }
  throw new HearsayError('BAD_CONFIG', 'no place for the API socket; set XDG_RUNTIME_DIR, or use a shorter --data', {
    key: 'data',
  })
}

/** The folder if it can be ours alone, else one beside it that is. */
function privateFolder(folder: string): string {
  try {
    mkdirSync(folder, { mode: ownerOnlyFolder })
    return folder
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
  const { uid, mode } = lstatSync(folder)
  const isOurs = lstatSync(folder).isDirectory() && uid === process.getuid?.() && (mode & 0o077) === 0
  return isOurs ? folder : mkdtempSync(`${folder}-`)
}

function removeStale(path: string): void {
  const found = lstatSync(path, { throwIfNoEntry: false })
  if (found === undefined) return
  if (found.isSocket()) rmSync(path, { force: true })
  else throw new HearsayError('BAD_CONFIG', `${path} is in the way and is no socket; move it away`, { key: 'data' })
}
