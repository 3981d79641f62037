/** The daemon's own messages: JSON lines, or lines for people, on stderr. Secrets are never passed to it. */
import { type DestinationStream, pino } from 'pino'

/** The logger of the daemon's parts: fields first, then a message that can be read alone. */
export interface Log {
  trace(fields: object, message: string): void
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
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
    formatters: { level: (label: string) => ({ level: label }) },
    redact: { paths: secretFields, censor: '(secret)' },
  }
  return pino(options, stream)
}

/** A log that writes nothing. */
export const silentLog: Log = { trace() {}, debug() {}, info() {}, warn() {}, error() {} }

function writeStderr(line: string): void {
  process.stderr.write(line)
}

/** `23:01:02.345 info  message  key=value …` */
function textLine(json: string): string {
  const { level, time, msg, err, ...fields } = JSON.parse(json) as Record<string, unknown>
  const error = err as { message?: string; stack?: string } | undefined
  const parts = Object.entries(fields).map(([name, value]) => ` ${name}=${fieldText(value)}`)
  const head = `${String(time).slice(11, 23)} ${String(level).padEnd(5)} ${String(msg ?? '')}`
  const trace = error === undefined ? '' : `\n${error.stack ?? error.message ?? ''}`
  return `${head}${parts.join('')}${trace}\n`
}

function fieldText(value: unknown): string {
  return typeof value === 'string' && /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value)
}
