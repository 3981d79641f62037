/** The directory of a lab: made so that it can be removed whatever happens, read, and removed. */
import {
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { HearsayApiError } from '../failure.js'
import { fileFailure } from '../file-failure.js'
import { decodeLinks, type Links, openLinks } from './links.js'
import { type LabRecord, type Places, placesOf } from './plan.js'

const ownerOnlyFolder = 0o700
const ownerOnlyFile = 0o600

/** The folder of the labs: below `$XDG_STATE_HOME`, or one of this user's own in the temporary directory. */
function baseFolder(environment: NodeJS.ProcessEnv): string {
  const state = environment.XDG_STATE_HOME
  if (state?.startsWith('/')) return join(state, 'hearsay')
  return join(environment.TMPDIR || tmpdir(), `hearsay-${userInfo().uid}`)
}

/** The directory of the lab: as given, or the one place where commands without `--dir` look; absolute. */
export function labDirectory(given: string | undefined, environment: NodeJS.ProcessEnv): string {
  return given ? resolve(given) : join(baseFolder(environment), 'lab')
}

/** The folder of the labs that scripts make for themselves, each named after the process that runs it. */
export function runsFolder(environment: NodeJS.ProcessEnv): string {
  return join(baseFolder(environment), 'lab-runs')
}

/**
 * Makes the directory of a lab. The record, by which `lab down` knows it, is the first thing in it.
 * @throws HearsayApiError WOULD_OVERWRITE for a lab that is there, or any other file; FILE_FAILED when it cannot be
 * made
 */
export function makeLab(directory: string, record: LabRecord, environment: NodeJS.ProcessEnv): Places {
  const places = placesOf(directory)
  makeFolder(directory, environment)
  checkOwners(directory)
  const draft = `${places.record}.${process.pid}`
  refuseOccupied(places)
  writeFileSync(draft, `${JSON.stringify(record, null, 2)}\n`, { mode: ownerOnlyFile })
  try {
    // Of two that begin at once one succeeds.
    linkSync(draft, places.record)
  } catch (error) {
    throw (error as NodeJS.ErrnoException).code === 'EEXIST' ? labExists(directory) : error
  } finally {
    rmSync(draft, { force: true })
  }
  for (const folder of [places.runFolder, places.logFolder, places.nodeFolder]) {
    mkdirSync(folder, { mode: ownerOnlyFolder })
  }
  saveLinks(places, openLinks)
  return places
}

/** Only the folders of `baseFolder` are made with it, since only they are removed with it. */
function makeFolder(directory: string, environment: NodeJS.ProcessEnv): void {
  const recursive = [baseFolder(environment), runsFolder(environment)].includes(dirname(directory))
  try {
    if (!existsSync(directory)) mkdirSync(directory, { recursive, mode: ownerOnlyFolder })
  } catch (error) {
    // Another command may have made it at this moment.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw fileFailure('make', directory, error)
  }
}

function refuseOccupied({ directory, record }: Places): void {
  if (existsSync(record)) throw labExists(directory)
  if (lstatSync(directory).isDirectory() && isEmptyLab(directory)) return
  throw new HearsayApiError('WOULD_OVERWRITE', 0, `${directory} holds other files, and is no lab: name another --dir`)
}

function labExists(directory: string): HearsayApiError {
  const message = `there is a lab in ${directory} already: \`hearsay lab down\` removes it, another --dir holds another one`
  return new HearsayApiError('WOULD_OVERWRITE', 0, message)
}

/**
 * Refuses a folder in a place where others may make files too, such as the temporary directory, that somebody else has
 * made.
 */
function checkOwners(directory: string): void {
  const { uid } = userInfo()
  for (let folder = directory; folder !== dirname(folder); folder = dirname(folder)) {
    const stats = lstatSync(folder)
    if (!isShared(dirname(folder)) || uid < 0 || (stats.isDirectory() && stats.uid === uid)) continue
    const message = `${folder} is no directory of this user: set XDG_STATE_HOME, or name a directory with --dir`
    throw new HearsayApiError('WOULD_OVERWRITE', 0, message)
  }
}

function isShared(folder: string): boolean {
  return (lstatSync(folder).mode & 0o002) !== 0
}

/** True for a directory that an `up` or a `down` left which was killed before its first or after its last file. */
function isEmptyLab(directory: string): boolean {
  return readdirSync(directory).every((file) => /^lab\.json\.\d+$/.test(file))
}

/** The lab in a directory. Throws HearsayApiError NOT_FOUND. */
export function openLab(directory: string): { places: Places; record: LabRecord } {
  const places = placesOf(directory)
  try {
    return { places, record: JSON.parse(readFileSync(places.record, 'utf8')) as LabRecord }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    throw new HearsayApiError('NOT_FOUND', 0, `there is no lab in ${directory}`)
  }
}

/** True when there is something that `lab down` is to remove. */
export function isLab(directory: string): boolean {
  if (existsSync(placesOf(directory).record)) return true
  return existsSync(directory) && lstatSync(directory).isDirectory() && isEmptyLab(directory)
}

/** The state of the links as last saved. */
export function loadLinks(places: Places): Links {
  return existsSync(places.links) ? decodeLinks(readFileSync(places.links, 'utf8')) : openLinks
}

/** Saves the state of the links as a whole. */
export function saveLinks(places: Places, links: Links): void {
  const draft = `${places.links}.${process.pid}`
  writeFileSync(draft, `${JSON.stringify(links, null, 2)}\n`, { mode: ownerOnlyFile })
  renameSync(draft, places.links)
}

/** Marks a lab as one that is being taken down. */
export function markClosing(places: Places): void {
  if (existsSync(places.record)) writeFileSync(places.closing, '', { mode: ownerOnlyFile })
}

/** Removes the directory of a lab whose processes have ended, its record last; also what its nodes have elsewhere. */
export function removeLab(places: Places): void {
  for (const folder of socketFolders(places)) rmSync(folder, { recursive: true, force: true })
  const folders = [places.nodeFolder, places.logFolder, places.runFolder]
  // A process that starts at this moment may still write down its number.
  for (const path of folders) rmSync(path, { recursive: true, force: true, maxRetries: 3 })
  for (const file of existsSync(places.directory) ? readdirSync(places.directory) : []) {
    if (/^(?:links|lab)\.json\.\d+$/.test(file)) rmSync(join(places.directory, file), { force: true })
  }
  for (const path of [places.links, places.record, places.closing]) rmSync(path, { force: true })
  // What somebody else has put there is not removed.
  removeIfEmpty(places.directory)
}

/** Removes the folders that hold labs, when they hold none. */
export function removeBase(environment: NodeJS.ProcessEnv): void {
  for (const folder of [runsFolder(environment), baseFolder(environment)]) removeIfEmpty(folder)
}

/** A socket whose path would be too long is in a short folder elsewhere, which a killed daemon leaves. */
function socketFolders({ nodeFolder, data }: Places): string[] {
  const nodes = existsSync(nodeFolder) ? readdirSync(nodeFolder) : []
  const pointers = nodes.map((node) => join(data(node), 'api.path')).filter((file) => existsSync(file))
  const folders = pointers.map((file) => dirname(readFileSync(file, 'utf8').trim()))
  return folders.filter((folder) => /\/hearsay-[0-9a-f]{12}(?:-\w+)?$/.test(folder))
}

/** A folder goes with the last file in it. */
function removeIfEmpty(folder: string): void {
  try {
    rmdirSync(folder)
  } catch {
    // Something else is in it, or it is gone.
  }
}
