/** `hearsay lab run`: plays a script, and says what it does. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Action, Invocation } from '../command.js'
import { HearsayApiError } from '../failure.js'
import { fileFailure } from '../file-failure.js'
import { labDirectory, runsFolder } from '../lab/directory.js'
import { Lab } from '../lab/lab.js'
import { type Played, playScript, type Told } from '../lab/runner.js'
import { parseScript, type ScriptLine, ScriptProblem } from '../lab/script.js'
import { LabStage } from '../lab/stage.js'
import { takeDown } from '../lab/taking-down.js'
import { count } from '../output.js'
import { directoryOf, interruptible } from './lab-call.js'

/**
 * Plays a script; exit code 1 when an expectation does not hold, that of the command line when a line cannot be carried
 * out.
 */
export const run: Action = async (invocation) => {
  const file = invocation.argument(0)
  const lines = read(file)
  const played = await interruptible(invocation, (signal) => play(invocation, lines, signal))
  if (invocation.json) return invocation.output.json({ ok: true, ...played })
  await invocation.output.line(`all ${count(played.expectations, 'expectation')} of ${file} hold`)
}

/** Throws BAD_SCRIPT before anything runs, or FILE_FAILED. */
function read(file: string): ScriptLine[] {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    throw fileFailure('read', file, error)
  }
  try {
    return parseScript(text)
  } catch (error) {
    if (!(error instanceof ScriptProblem)) throw error
    const { line, expected, found } = error
    throw new HearsayApiError('BAD_SCRIPT', 0, `${file}:${line}: expected ${expected}, found ${found}`, {
      line,
      expected,
      found,
    })
  }
}

async function play(invocation: Invocation, lines: readonly ScriptLine[], signal: AbortSignal): Promise<Played> {
  const { io } = invocation
  const isOwn = lines[0]?.statement.kind === 'up'
  const own = invocation.text('dir') ?? join(runsFolder(io.environment), String(process.pid))
  const directory = isOwn ? labDirectory(own, io.environment) : directoryOf(invocation)
  const stage = new LabStage({ directory, io, signal }, isOwn ? undefined : Lab.open(directory, io.environment))
  try {
    return await playScript(lines, stage, (told) => tell(invocation, told), signal)
  } finally {
    stage.close()
    if (isOwn && !invocation.flag('keep')) await takeDown(directory, io.environment)
    else if (isOwn)
      await invocation.output.note(`the lab is left in ${directory}: \`hearsay lab down --dir ${directory}\``)
  }
}

async function tell({ output, json }: Invocation, told: Told): Promise<void> {
  if (json) return output.json(told)
  const { dim, bold, green } = output.colors
  if (told.kind === 'echo') return output.line(bold(told.output))
  await output.line(`${dim('>')} ${told.statement}`)
  if (told.output === '') return
  const text = told.output.replaceAll(/^/gm, '  ')
  await output.line(told.kind === 'expect' ? green(text) : text)
}
