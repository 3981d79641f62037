/** Loads parts of the daemon into this process, for the commands that need no running one. Nothing of them is in the command line itself. */
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { HearsayApiError } from './failure.js'

/** Loads a built module of the daemon. `path`: below the daemon's folder. Throws INTERNAL when it is not built. */
export async function loadDaemonPart<T>(path: string): Promise<T> {
  // Beside the built command line, or below dist/ when run from the sources.
  for (const folder of ['../daemon/', '../dist/daemon/']) {
    const file = new URL(folder + path, import.meta.url)
    if (existsSync(fileURLToPath(file))) return (await import(file.href)) as T
  }
  throw new HearsayApiError('INTERNAL', 0, 'the daemon is not built: run `npm run build`')
}
