/** `hearsay doctor`: checks a node and its mesh, or one member, and says the remedies; also where no daemon runs. */
import type { Finding } from '../client.js'
import type { Action, Invocation } from '../command.js'
import { loadDaemonPart } from '../daemon-part.js'
import { HearsayApiError } from '../failure.js'
import { printFindings } from '../findings.js'
import { shellWord } from '../output.js'

interface StoppedModule {
  /** Findings about a node whose daemon does not answer. */
  examineStopped(flags: Record<string, unknown>): Promise<readonly Finding[]>
}

/** Exit codes: nothing failed, a check failed, no daemon answers. */
const exits = { sound: 0, failed: 1, stopped: 6 } as const

/** Prints findings; resolves with 1 when a check failed, 6 when no daemon answers, else 0. */
export const doctor: Action = async (invocation) => {
  const asked = await ask(invocation)
  const findings = 'findings' in asked ? asked.findings : await findingsOfStopped(invocation, asked.silence)
  if (invocation.json) await invocation.output.json({ findings })
  else await printFindings(invocation.output, findings)
  if ('silence' in asked) return exits.stopped
  return findings.some(({ level }) => level === 'fail') ? exits.failed : exits.sound
}

/** Findings of the daemon itself; the reason why there are none where none answers. */
async function ask(
  invocation: Invocation,
): Promise<{ readonly findings: readonly Finding[] } | { readonly silence: string }> {
  const client = invocation.client()
  try {
    return { findings: await client.diagnose(invocation.positionals[0]) }
  } catch (error) {
    const isSilent = error instanceof HearsayApiError && error.status === 0
    if (!isSilent || !['UNREACHABLE_DAEMON', 'TIMED_OUT'].includes(error.code)) throw error
    const isAbsent = error.code === 'UNREACHABLE_DAEMON'
    return { silence: isAbsent ? `no daemon answers at ${client.address}` : error.message }
  }
}

/** Checks of a node of this machine; of one that is named by an address alone, nothing more is known. */
async function findingsOfStopped(invocation: Invocation, silence: string): Promise<readonly Finding[]> {
  const isElsewhere = invocation.text('api') !== undefined || (invocation.io.environment.HEARSAY_API ?? '') !== ''
  const data = invocation.text('data')
  const first = (remedy: string): Finding => ({ level: 'fail', check: 'daemon', text: silence, remedy })
  if (isElsewhere && data === undefined) return [first('start it there; its data directory (--data) tells more')]
  const { examineStopped } = await loadDaemonPart<StoppedModule>('doctor/stopped.js')
  const found = await examineStopped(data === undefined ? {} : { data })
  return [first(`start it: hearsay daemon${data === undefined ? '' : ` --data ${shellWord(data)}`}`), ...found]
}
