/** PURE: statements of the lab's scripts as text. */

import type { Slowness } from './links.js'
import { type LineOutcome, outcomes, type Statement, type Target } from './script.js'
import { printWord } from './words.js'

/** A script as text that is read back as the same statements. */
export function printScript(statements: readonly Statement[]): string {
  return statements.map((statement) => `${printStatement(statement)}\n`).join('')
}

/** One statement on one line. */
export function printStatement(statement: Statement): string {
  switch (statement.kind) {
    case 'up':
      return ['up', statement.count, ...statement.flags.map((flag) => printWord(flag))].join(' ')
    case 'split':
      return ['split', ...statement.groups.map((group) => group.join(','))].join(' ')
    case 'slow':
      return ['slow', ...statement.groups.map((group) => group.join(',')), slownessFlags(statement.slowness)].join(' ')
    case 'heal':
      return 'heal'
    case 'fast':
      return 'slow --off'
    case 'kill':
    case 'stop':
    case 'start':
      return `${statement.kind} ${statement.nodes.join(' ')}`
    case 'equal':
      return 'wait equal'
    case 'pause':
      return `wait ${statement.ms}ms`
    case 'fill':
      return `fill ${statement.node} ${printWord(statement.prefix)} ${statement.count}`
    case 'echo':
      return `echo ${printWord(statement.text)}`
    case 'run':
      return `${printTarget(statement.on)} ${statement.words.map((word) => printWord(word)).join(' ')}`
    case 'expect':
      return `expect ${printTarget(statement.on)} ${printCommand(statement.words)} ${printOutcome(statement.outcome)}`
  }
}

function printTarget(on: Target): string {
  return on === 'all' ? 'on all:' : `${on.join(',')}:`
}

function printCommand(words: readonly string[]): string {
  return words.map((word) => printWord(word, (text) => !outcomes.includes(text))).join(' ')
}

function printOutcome(outcome: LineOutcome): string {
  if (outcome.kind === 'fails') return `fails ${outcome.exit}`
  return `${outcome.kind === 'is' ? '=' : 'contains'} ${printWord(outcome.text)}`
}

function slownessFlags({ delayMs, lossPercent, bytesPerSecond }: Slowness): string {
  const flags = [
    delayMs === undefined ? '' : `--delay ${delayMs}ms`,
    lossPercent === undefined ? '' : `--loss ${lossPercent}%`,
    bytesPerSecond === undefined ? '' : `--rate ${bytesPerSecond}B`,
  ]
  return flags.filter((flag) => flag !== '').join(' ')
}
