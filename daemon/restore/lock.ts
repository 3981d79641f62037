/**
 * Takes the lock of a LevelDB directory without opening what is in it: it may be damaged, which is why it is being
 * replaced.
 */
import { mkdtemp, open, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { HearsayError } from '../../store/errors.js'
import { LevelStore } from '../../store/level.js'

/** A lock that is held by this process, and released by the system when the process dies. */
export interface Lock {
  release(): Promise<void>
}

/**
 * Locks a `LOCK` file as LevelDB does, so that no other process can open the directory that it belongs to; the file is
 * made when it is missing. An empty LevelDB directory elsewhere, whose lock file is a link to it, does the locking:
 * Node itself cannot. Locks are between processes: this process itself must not have the directory open. Throws
 * STORE_LOCKED with `message`.
 */
export async function takeLock(lockFile: string, message: string): Promise<Lock> {
  await (await open(lockFile, 'a', 0o600)).close()
  const scratch = await mkdtemp(join(tmpdir(), 'hearsay-lock-'))
  const remove = () => rm(scratch, { recursive: true, force: true })
  try {
    await symlink(resolve(lockFile), join(scratch, 'LOCK'))
    const holder = await LevelStore.open(scratch)
    const release = async () => {
      await holder.close()
      await remove()
    }
    return { release }
  } catch (error) {
    await remove()
    if (!(error instanceof HearsayError) || error.code !== 'STORE_LOCKED') throw error
    throw new HearsayError('STORE_LOCKED', message, { path: lockFile }, { cause: error })
  }
}
