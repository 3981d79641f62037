/** Log of the libp2p side, and the bridge from libp2p's own logger. */
import { format } from 'node:util'
import type { ComponentLogger, Logger } from '@libp2p/interface'

/** The part of a pino logger that is used here. */
export interface NetLog {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
}

/** A log that writes nothing. */
export const silentNetLog: NetLog = { debug() {}, info() {}, warn() {} }

/**
 * A libp2p logger that writes libp2p's errors at debug level: port scanners and foreign meshes cause them, not defects.
 * Everything finer is dropped unformatted, because libp2p logs each frame.
 */
export function libp2pLogger(log: NetLog): ComponentLogger {
  const make = (component: string): Logger => {
    const error = (template: unknown, ...values: unknown[]): void => {
      log.debug({ component }, formatLine(template, values))
    }
    const logger = Object.assign(() => {}, {
      error,
      trace: () => {},
      enabled: false,
      newScope: (name: string) => make(`${component}:${name}`),
    })
    return logger as Logger
  }
  return { forComponent: make }
}

/** libp2p has placeholders of its own (%p peers, %a addresses, %e errors); all become plain text. */
function formatLine(template: unknown, values: unknown[]): string {
  if (template instanceof Error) return template.message
  const plain = values.map((value) => (value instanceof Error ? value.message : value))
  return format(String(template).replace(/%[a-zA-Z]/g, '%s'), ...plain.map((value) => String(value)))
}
