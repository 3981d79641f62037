/**
 * Runs commands of the user: for one event of the feed, with what happened in its environment and the value on its
 * stdin, or after a change.
 */
import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import type { WatchEvent } from './client.js'

/** Options of a run. */
export interface EventSurroundings {
  readonly environment: NodeJS.ProcessEnv
  /** The daemon's address, so that `hearsay` in the command asks the same one. */
  readonly api: string
}

/** Runs a command for an event; resolves with its exit code, 128 and its number when a signal ended it. */
export function runForEvent(
  command: string,
  event: WatchEvent,
  { environment, api }: EventSurroundings,
): Promise<number> {
  const env = { ...environment, HEARSAY_API: api, ...variablesOf(event) }
  return runShell(command, env, Buffer.from(event.value ?? '', event.encoding ?? 'utf8'))
}

/**
 * Runs a command through the shell with this on its stdin; resolves with its exit code, 128 and its number when a
 * signal ended it.
 */
export function runShell(command: string, env: NodeJS.ProcessEnv, stdin: string | Uint8Array): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn('/bin/sh', ['-c', command], { env, stdio: ['pipe', 'inherit', 'inherit'] })
    child.on('error', reject)
    child.on('close', (code, signal) => resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal])))
    // A command need not read its stdin.
    child.stdin.on('error', () => {})
    child.stdin.end(stdin)
  })
}

/**
 * One variable for each member but the value. The environment cannot hold text with a NUL: it is left out there,
 * and whole in HEARSAY_EVENT.
 */
function variablesOf(event: WatchEvent): NodeJS.ProcessEnv {
  const { value: _value, encoding, ...rest } = event
  const variables: NodeJS.ProcessEnv = { HEARSAY_EVENT: JSON.stringify(rest) }
  const texts = { ...rest, encoding: encoding ?? '', field_encoding: rest.fieldEncoding ?? '' }
  for (const name of [
    'key',
    'type',
    'field',
    'field_encoding',
    'op',
    'dot',
    'node',
    'time',
    'encoding',
    'cursor',
  ] as const) {
    variables[`HEARSAY_${name.toUpperCase()}`] = texts[name].includes('\0') ? undefined : texts[name]
  }
  return variables
}
