/** The entry of the command line: well-formed calls of `put` and `get` start at once, all others load the rest first. */
import { quickCommands } from './commands/quick.js'
import { parseFast } from './fast.js'
import { processIo } from './io.js'
import { run } from './run.js'

const argv = process.argv.slice(2)
const parsed = parseFast(argv, quickCommands)
const io = processIo()
process.exitCode = parsed ? await run(parsed, io) : await (await import('./main.js')).main(argv, io)
