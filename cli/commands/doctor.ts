/** `hearsay doctor`: checks a node and its mesh, or one member, and says the remedies; also where no daemon runs. */
import type { Finding } from '../client.js'
import type { Action, Invocation } from '../command.js'
import { loadDaemonPart } from '../daemon-part.js'
import { HearsayApiError } from '../failure.js'
import { printFindings } from '../findings.js'

interface StoppedModule {
  /** Findings about a node whose daemon does not answer. */
  examineStopped(flags: Record<string, unknown>): Promise<readonly Finding[]>
}

/** Exit codes: nothing failed, a check failed, no daemon answers. */
const exits = { sound: 0, failed: 1, stopped: 6 } as const

/** Prints findings; resolves with 1 when a check failed, 6 when no daemon answers, else 0. */
export const doctor: Action = async (invocation) => {
  const running = await findingsOfRunning(invocation)
  const findings = running ?? (await findingsOfStopped(invocation))
  if (invocation.json) await invocation.output.json({ findings })
  else await printFindings(invocation.output, findings)
  if (running === undefined) return exits.stopped
  return findings.some(({ level }) => level === 'fail') ? exits.failed : exits.sound
}

/** Findings of the daemon itself; undefined when none answers. */
async function findingsOfRunning(invocation: Invocation): Promise<readonly Finding[] | undefined> {
  try {
    return await invocation.client().diagnose(invocation.positionals[0])
  } catch (error) {
    if (error instanceof HearsayApiError && error.code === 'UNREACHABLE_DAEMON') return undefined
    throw error
  }
}

/** Checks of a node of this machine; of one that is named by an address, nothing more is known. */
async function findingsOfStopped(invocation: Invocation): Promise<readonly Finding[]> {
  const { address } = invocation.client()
  const isElsewhere = invocation.text('api') !== undefined || (invocation.io.environment.HEARSAY_API ?? '') !== ''
  const data = invocation.text('data')
  const silence = (remedy: string): Finding => {
    return { level: 'fail', check: 'daemon', text: `no daemon answers at ${address}`, remedy }
  }
  if (isElsewhere && data === undefined) return [silence('start it there; its data directory (--data) tells more')]
  const { examineStopped } = await loadDaemonPart<StoppedModule>('doctor/stopped.js')
  const found = await examineStopped(data === undefined ? {} : { data })
  return [silence(`start it: hearsay daemon${data === undefined ? '' : ` --data ${data}`}`), ...found]
}
