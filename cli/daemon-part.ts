/**
 * Loads parts of the daemon into this process, for the commands that need no running one. Nothing of them is in the
 * command line itself.
 */
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { HearsayApiError } from './failure.js'
import { openFilesMin } from './limits.js'

/**
 * Loads a built module of the daemon. `path`: below the daemon's folder. Throws INTERNAL when it is not built,
 * SYSTEM_FAILED for too few open files.
 */
export async function loadDaemonPart<T>(path: string): Promise<T> {
  checkOpenFiles()
  // Beside the built command line, or below dist/ when run from the sources.
  for (const folder of ['../daemon/', '../dist/daemon/']) {
    const file = new URL(folder + path, import.meta.url)
    if (existsSync(fileURLToPath(file))) return (await import(file.href)) as T
  }
  throw new HearsayApiError('INTERNAL', 0, 'the daemon is not built: run `npm run build`')
}

/**
 * Checks the limit of open files. Comes first: where modules cannot be opened any more, Node says that they do not
 * exist.
 */
function checkOpenFiles(): void {
  const may = openFilesLimit()
  if (may === undefined || may >= openFilesMin) return
  const message = `this process may open ${may} files, and the daemon needs ${openFilesMin} at least: raise the limit (ulimit -n 1024, LimitNOFILE)`
  throw new HearsayApiError('SYSTEM_FAILED', 0, message, { system: 'EMFILE' })
}

/** The limit of this process; undefined where the system does not say, and without one. */
function openFilesLimit(): number | undefined {
  try {
    const limit = /^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))
    return limit === null ? undefined : Number(limit[1])
  } catch {
    return undefined
  }
}
