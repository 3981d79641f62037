/** The daemon's own messages: JSON lines, or lines for people, on stderr. Secrets are never passed to it. */
import { type DestinationStream, pino } from 'pino'
import { type EventLevel, type EventsOf, logEvents } from './events.js'

/** Fields of a line that a person should see: the name of its event, and whatever else. */
export type EventFields<Level extends EventLevel> = { readonly event: EventsOf<Level> } & Readonly<
  Record<string, unknown>
>

/** The logger of the daemon's parts: fields first, then a message that can be read alone. */
export interface Log {
  trace(fields: object, message: string): void
  debug(fields: object, message: string): void
  info(fields: EventFields<'info'>, message: string): void
  warn(fields: EventFields<'warn'>, message: string): void
  error(fields: EventFields<'error'>, message: string): void
}

/** Format, level and destination of messages. */
export interface LogOptions {
  readonly format: 'text' | 'json'
  readonly level: string
  /** Destination of lines; stderr by default. */
  readonly write?: (line: string) => void
}

/** Fields that could hold a secret; their values are never written. */
const secretFields = ['token', 'secret', 'authorization', 'join', 'headers', '*.token', '*.secret', '*.authorization']

/** Makes the log of a process. */
export function createLog({ format, level, write = writeStderr }: LogOptions): Log {
  const stream: DestinationStream = { write: format === 'json' ? write : (line) => write(textLine(line)) }
  const options = {
    level,
    base: undefined,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }), log: withRemedy },
    redact: { paths: secretFields, censor: '(secret)' },
  }
  return pino(options, stream)
}

/** Adds what to do about an event, where its message does not say it. */
function withRemedy(fields: Record<string, unknown>): Record<string, unknown> {
  const { event } = fields
  const next =
    typeof event === 'string' && Object.hasOwn(logEvents, event) ? nextOf(event as keyof typeof logEvents) : null
  return next === null ? fields : { ...fields, next }
}

function nextOf(event: keyof typeof logEvents): string | null {
  return logEvents[event].next
}

/** A log that writes nothing. */
export const silentLog: Log = { trace() {}, debug() {}, info() {}, warn() {}, error() {} }

function writeStderr(line: string): void {
  process.stderr.write(line)
}

/** `23:01:02.345 info  message key=value … next: remedy`; the name of the event is for programs. */
function textLine(json: string): string {
  const { level, time, msg, err, event: _, next, ...fields } = JSON.parse(json) as Record<string, unknown>
  const error = err as { message?: string; stack?: string } | undefined
  const parts = Object.entries(fields).map(([name, value]) => ` ${name}=${fieldText(value)}`)
  const head = `${String(time).slice(11, 23)} ${String(level).padEnd(5)} ${String(msg ?? '')}`
  const trace = error === undefined ? '' : `\n${error.stack ?? error.message ?? ''}`
  const remedy = next === undefined ? '' : `  next: ${next}`
  return `${head}${parts.join('')}${remedy}${trace}\n`
}

function fieldText(value: unknown): string {
  return typeof value === 'string' && /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value)
}
