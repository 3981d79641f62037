/** `hearsay daemon`: runs a node in this process. The daemon's code is loaded here and nowhere else. */
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Action } from '../command.js'
import { HearsayApiError } from '../failure.js'

interface DaemonModule {
  /** Runs until it is told to stop. Flags by their long names, repeatable ones as lists. */
  runDaemon(options: Record<string, unknown>): Promise<void>
}

/** Runs a node; resolves when it has stopped. */
export const daemon: Action = async (invocation) => {
  const { runDaemon } = (await import(daemonModule('main.js').href)) as DaemonModule
  await runDaemon({ ...invocation.options })
}

/** A module of the daemon: beside the built command line, or below dist/ when run from the sources. */
export function daemonModule(path: string): URL {
  const candidates = [`../daemon/${path}`, `../../dist/daemon/${path}`]
  for (const candidate of candidates) {
    const file = new URL(candidate, import.meta.url)
    if (existsSync(fileURLToPath(file))) return file
  }
  throw new HearsayApiError('INTERNAL', 0, 'the daemon is not built: run `npm run build`')
}
