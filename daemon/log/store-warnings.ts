/** Warnings of the store as events of the log. */
import type { WarningMatter } from '../../store/replica/warnings.js'
import type { Log } from './log.js'

type Write = (log: Pick<Log, 'warn' | 'error'>, warning: string) => void

const damaged: Write = (log, warning) => log.error({ event: 'storeDamaged' }, warning)
const copied: Write = (log, warning) => log.warn({ event: 'machineCopied' }, warning)

const writes: Readonly<Record<WarningMatter, Write>> = {
  failed: (log, warning) => log.error({ event: 'storeFailed' }, warning),
  'damaged-row': damaged,
  damage: damaged,
  verify: (log, warning) => log.error({ event: 'notVerified' }, warning),
  identity: copied,
  clash: copied,
  trim: (log, warning) => log.warn({ event: 'logNotTrimmed' }, warning),
  runs: (log, warning) => log.warn({ event: 'manyRuns' }, warning),
}

/** Logs a warning of the store under the event and at the level of its matter. */
export function logStoreWarning(log: Pick<Log, 'warn' | 'error'>, warning: string, about: WarningMatter): void {
  writes[about](log, warning)
}
