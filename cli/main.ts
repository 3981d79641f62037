/** One run of the whole command line: parse, do, report. */
import { commands } from './commands/table.js'
import { commandOf, parseFast } from './fast.js'
import type { Io } from './io.js'
import { Output } from './output.js'
import { report, run } from './run.js'

/**
 * Runs a call.
 * @param argv the arguments behind the program's name
 * @returns the exit code
 */
export async function main(argv: readonly string[], io: Io): Promise<number> {
  try {
    const parsed = parseFast(argv, commands) ?? (await (await import('./program.js')).parseFully(argv, io))
    return parsed === undefined ? 0 : await run(parsed, io)
  } catch (error) {
    return report(error, new Output(io, argv.includes('--json')), commandOf(argv, commands))
  }
}
