/** Runs a script of the lab: says what it does, and stops at the first line that does not do what it should. */
import { HearsayApiError } from '../failure.js'
import { expectationMs, statusPollMs } from './limits.js'
import { poll } from './processes.js'
import type { LineOutcome, ScriptLine, Statement, Target } from './script.js'
import { printStatement } from './script-print.js'

/** Result of a command. */
export interface Ran {
  readonly exit: number
  readonly stdout: string
  readonly stderr: string
}

/** Statements that act on the lab as a whole. */
export type Act = Exclude<Statement, { readonly kind: 'run' | 'expect' | 'echo' }>

/** A lab as a script acts on it. */
export interface Stage {
  /** The nodes that a target means. Throws NOT_FOUND. */
  nodesOf(target: Target): readonly string[]
  /** Runs a command of the command line on a node. */
  command(node: string, words: readonly string[]): Promise<Ran>
  /** Performs a statement; resolves with the text to report of it, empty when there is none. */
  perform(statement: Act): Promise<string>
}

/** Report of a line once it has been played. */
export interface Told {
  readonly line: number
  /** The statement, printed. */
  readonly statement: string
  readonly kind: Statement['kind']
  /** Text that it printed or found, by node where there are several; without a newline at the end. */
  readonly output: string
}

/** Result of a whole script. */
export interface Played {
  readonly statements: number
  readonly expectations: number
}

/** Commands without effects: an expectation on one is looked at again until it holds, for gossip takes a moment. */
const reads = new Set(
  ['get', 'ls', 'conflicts', 'export', 'status', 'members', 'peers', 'where', 'diff', 'hints'].concat([
    'counter get',
    'set ls',
    'map get',
    'map ls',
    'doc get',
  ]),
)

/** Plays a script. Throws NOT_AS_EXPECTED for the first line that fails, or what a line of the lab itself throws. */
export async function playScript(
  lines: readonly ScriptLine[],
  stage: Stage,
  tell: (told: Told) => Promise<void>,
  signal?: AbortSignal,
): Promise<Played> {
  let expectations = 0
  for (const { line, statement } of lines) {
    signal?.throwIfAborted()
    const output = await playLine(line, statement, stage, signal)
    if (statement.kind === 'expect') expectations++
    await tell({ line, statement: printStatement(statement), kind: statement.kind, output })
  }
  return { statements: lines.length, expectations }
}

async function playLine(line: number, statement: Statement, stage: Stage, signal?: AbortSignal): Promise<string> {
  try {
    if (statement.kind === 'echo') return statement.text
    if (statement.kind === 'run') return await runCommand(statement, stage)
    if (statement.kind === 'expect') return await expectCommand(statement, stage, signal)
    return await stage.perform(statement)
  } catch (error) {
    if (!(error instanceof HearsayApiError)) throw error
    const message = `line ${line}: ${printStatement(statement)}: ${error.message}`
    throw new HearsayApiError(error.code, error.status, message, { ...error.details, line }, { cause: error })
  }
}

async function runCommand({ on, words }: Extract<Statement, { kind: 'run' }>, stage: Stage): Promise<string> {
  const outputs = new Map<string, string>()
  for (const node of stage.nodesOf(on)) {
    const ran = await stage.command(node, words)
    if (ran.exit !== 0) throw unexpected(`it was to succeed on ${node}`, ran)
    outputs.set(node, allOf(ran))
  }
  return byNode(outputs)
}

async function expectCommand(
  { on, words, outcome }: Extract<Statement, { kind: 'expect' }>,
  stage: Stage,
  signal?: AbortSignal,
): Promise<string> {
  const limitMs = reads.has(words[0]!) || reads.has(words.slice(0, 2).join(' ')) ? expectationMs : 0
  const outputs = new Map<string, string>()
  for (const node of stage.nodesOf(on)) {
    const ran = await untilHolds(outcome, limitMs, () => stage.command(node, words), signal)
    if (!holds(outcome, ran)) throw unexpected(`expected on ${node} ${outcomeText(outcome)}`, ran)
    outputs.set(node, proofOf(outcome, ran))
  }
  return byNode(outputs)
}

/** The last of the runs: the first one that holds, when one does in time. */
async function untilHolds(
  outcome: LineOutcome,
  limitMs: number,
  command: () => Promise<Ran>,
  signal: AbortSignal | undefined,
): Promise<Ran> {
  let last: Ran | undefined
  const held = await poll(limitMs, statusPollMs, signal, async () => {
    last = await command()
    return limitMs === 0 || holds(outcome, last) ? last : undefined
  })
  return held ?? last!
}

/** Text that a fulfilled expectation shows beyond its own. */
function proofOf(outcome: LineOutcome, ran: Ran): string {
  if (outcome.kind === 'is') return 'so it is'
  return outcome.kind === 'contains' ? allOf(ran) : `exit code ${ran.exit}: ${allOf(ran).split('\n')[0]}`
}

/**
 * True if a command did what was expected. A text is compared with what a person sees: what the command prints, else
 * its remarks on stderr, in both without the last newline; several lines are one text with a comma and a space between.
 */
export function holds(outcome: LineOutcome, ran: Ran): boolean {
  if (outcome.kind === 'fails') return ran.exit === outcome.exit
  if (ran.exit !== 0) return false
  if (outcome.kind === 'is') return oneLine(trimmed(ran.stdout) || trimmed(ran.stderr)) === outcome.text
  return oneLine(allOf(ran)).includes(outcome.text)
}

function trimmed(text: string): string {
  return text.replace(/\n+$/, '')
}

function oneLine(text: string): string {
  return text.split('\n').join(', ')
}

function allOf({ stdout, stderr }: Ran): string {
  return [trimmed(stdout), trimmed(stderr)].filter((text) => text !== '').join('\n')
}

/** Outputs with their nodes, those that are equal once; a single node is not named. */
function byNode(outputs: ReadonlyMap<string, string>): string {
  if (outputs.size === 1) return [...outputs.values()][0]!
  const nodesBy = new Map<string, string[]>()
  for (const [node, output] of outputs) nodesBy.set(output, [...(nodesBy.get(output) ?? []), node])
  const groups = [...nodesBy].filter(([output]) => output !== '')
  return groups.map(([output, nodes]) => `${nodes.join(' ')}: ${output}`).join('\n')
}

function outcomeText(outcome: LineOutcome): string {
  if (outcome.kind === 'fails') return `the exit code ${outcome.exit}`
  return outcome.kind === 'is' ? `'${outcome.text}'` : `a text with '${outcome.text}'`
}

function unexpected(what: string, ran: Ran): HearsayApiError {
  const saw = oneLine(ran.exit === 0 ? trimmed(ran.stdout) || trimmed(ran.stderr) : allOf(ran))
  const exit = ran.exit === 0 ? '' : `exit code ${ran.exit}: `
  return new HearsayApiError('NOT_AS_EXPECTED', 0, `${what}, saw ${exit}'${saw}'`, { ...ran })
}
