/** `hearsay daemon`: runs a node in this process. */
import type { Action } from '../command.js'
import { loadDaemonPart } from '../daemon-part.js'

interface DaemonModule {
  /** Runs until it is told to stop. Flags by their long names, repeatable ones as lists. */
  runDaemon(options: Record<string, unknown>): Promise<void>
}

/** Runs a node; resolves when it has stopped. */
export const daemon: Action = async (invocation) => {
  const { runDaemon } = await loadDaemonPart<DaemonModule>('main.js')
  await runDaemon({ ...invocation.options })
}
