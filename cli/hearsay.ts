/**
 * The entry of the command line: well-formed calls of `put` and `get` start at once, all others load the rest first.
 */
import { quickCommands } from './commands/quick.js'
import { UsageError } from './failure.js'
import { parseFast } from './fast.js'
import { processIo } from './io.js'
import { Output } from './output.js'
import { report, run } from './run.js'
import { badText, startBytes } from './text-input.js'

const argv = process.argv.slice(2)
const io = processIo()
process.exitCode = await exitCode()

async function exitCode(): Promise<number> {
  const bad = badText(argv, io.environment, startBytes)
  if (bad !== undefined) return report(new UsageError(bad), new Output(io, argv.includes('--json')), undefined)
  const parsed = parseFast(argv, quickCommands)
  return parsed ? await run(parsed, io) : await (await import('./main.js')).main(argv, io)
}
