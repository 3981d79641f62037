/** Asks a person yes or no. */
import { createInterface } from 'node:readline'
import { UsageError } from './failure.js'
import type { Io } from './io.js'

/**
 * Asks on stderr and reads one line of stdin; everything but a yes is a no. Throws UsageError when the question could
 * not be seen.
 */
export function confirm({ stdin, stderr, stderrTerminal }: Io, question: string): Promise<boolean> {
  if (!stderrTerminal)
    throw new UsageError('this command asks for confirmation, and stderr is not a terminal: add --yes')
  stderr.write(`${question} [y/N] `)
  const lines = createInterface({ input: stdin })
  return new Promise((resolve) => {
    lines.once('line', (answer) => {
      resolve(/^\s*y(es)?\s*$/i.test(answer))
      lines.close()
    })
    lines.once('close', () => resolve(false))
  })
}
