/** Code that the commands of the lab share: where the lab is, and how a call of them ends. */
import type { Invocation } from '../command.js'
import { HearsayApiError } from '../failure.js'
import { labDirectory } from '../lab/directory.js'
import { Lab } from '../lab/lab.js'

/** The directory that a call names, or the one of this user. */
export function directoryOf(invocation: Invocation): string {
  return labDirectory(invocation.text('dir'), invocation.io.environment)
}

/** Work on the lab that a call names. Throws NOT_FOUND. */
export async function withLab(invocation: Invocation, work: (lab: Lab) => Promise<void>): Promise<void> {
  const lab = Lab.open(directoryOf(invocation), invocation.io.environment)
  try {
    await work(lab)
  } finally {
    lab.close()
  }
}

/** Work that ends in order when the user interrupts it: it removes what it has made. */
export async function interruptible<T>({ io }: Invocation, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const ending = new AbortController()
  const interrupted = new HearsayApiError('LAB_FAILED', 0, 'interrupted; what there was of the lab is removed')
  const forget = io.onInterrupt(() => ending.abort(interrupted))
  try {
    return await work(ending.signal)
  } finally {
    forget()
  }
}
