/** Runs a script of the lab: says what it does, and stops at the first line that does not do what it should. */
import { HearsayApiError } from '../failure.js'
import { expectationMs, statusPollMs } from './limits.js'
import { poll } from './processes.js'
import type { Line, Outcome, Statement, Target } from './script.js'
import { printStatement } from './script-print.js'

/** What a command gave. */
export interface Ran {
  readonly exit: number
  readonly stdout: string
  readonly stderr: string
}

/** Statements that act on the lab as a whole. */
export type Act = Exclude<Statement, { readonly kind: 'run' | 'expect' | 'echo' }>

/** Where a script is played. */
export interface Stage {
  /** The nodes that a target means. Throws NOT_FOUND. */
  nodesOf(target: Target): readonly string[]
  /** Runs a command of the command line on a node. */
  command(node: string, words: readonly string[]): Promise<Ran>
  /** Performs a statement; resolves with what there is to tell of it, empty when nothing. */
  perform(statement: Act): Promise<string>
}

/** What is told of a line once it has been played. */
export interface Told {
  readonly line: number
  /** The statement, printed. */
  readonly statement: string
  readonly kind: Statement['kind']
  /** What it printed or found, by node where there are several; without a newline at the end. */
  readonly output: string
}

/** What a whole script came to. */
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
  lines: readonly Line[],
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

async function runCommand(
  { on, words }: Extract<Statement, { kind: 'run' }>,
  { nodesOf, command }: Pick<Stage, 'nodesOf' | 'command'>,
): Promise<string> {
  const nodes = nodesOf(on)
  const outputs: string[] = []
  for (const node of nodes) {
    const ran = await command(node, words)
    if (ran.exit !== 0) throw unexpected(`it was to succeed on ${node}`, ran)
    outputs.push(labelled(nodes, node, shownOf(ran)))
  }
  return outputs.filter((output) => output !== '').join('\n')
}

async function expectCommand(
  { on, words, outcome }: Extract<Statement, { kind: 'expect' }>,
  { nodesOf, command }: Pick<Stage, 'nodesOf' | 'command'>,
  signal?: AbortSignal,
): Promise<string> {
  const limitMs = reads.has(words[0]!) || reads.has(words.slice(0, 2).join(' ')) ? expectationMs : 0
  const nodes = nodesOf(on)
  const outputs: string[] = []
  for (const node of nodes) {
    let ran: Ran | undefined
    const held = await poll(limitMs, statusPollMs, signal, async () => {
      ran = await command(node, words)
      return holds(outcome, ran) ? true : limitMs === 0 ? false : undefined
    })
    if (!held) throw unexpected(`expected on ${node} ${outcomeText(outcome)}`, ran!)
    outputs.push(labelled(nodes, node, `holds: ${outcome.kind === 'fails' ? `exit code ${ran!.exit}` : shownOf(ran!)}`))
  }
  return outputs.join('\n')
}

/** Two expected texts are compared with what a command prints: its lines with a comma and a space between. */
export function holds(outcome: Outcome, ran: Ran): boolean {
  if (outcome.kind === 'fails') return ran.exit === outcome.exit
  if (ran.exit !== 0) return false
  if (outcome.kind === 'is') return linesOf(ran.stdout) === outcome.text
  return `${linesOf(ran.stdout)}\n${linesOf(ran.stderr)}`.includes(outcome.text)
}

function linesOf(output: string): string {
  return output.replace(/\n+$/, '').split('\n').join(', ')
}

function shownOf({ stdout, stderr }: Ran): string {
  return [stdout, stderr]
    .map((text) => text.replace(/\n+$/, ''))
    .filter((text) => text !== '')
    .join('\n')
}

function labelled(nodes: readonly string[], node: string, output: string): string {
  return nodes.length === 1 || output === '' ? output : `${node}  ${output.replaceAll('\n', `\n${node}  `)}`
}

function outcomeText(outcome: Outcome): string {
  if (outcome.kind === 'fails') return `the exit code ${outcome.exit}`
  return outcome.kind === 'is' ? `'${outcome.text}'` : `a text with '${outcome.text}'`
}

function unexpected(what: string, ran: Ran): HearsayApiError {
  const saw = ran.exit === 0 ? `'${linesOf(shownOf(ran))}'` : `exit code ${ran.exit}: ${linesOf(shownOf(ran))}`
  return new HearsayApiError('NOT_AS_EXPECTED', 0, `${what}, saw ${saw}`, { ...ran })
}
