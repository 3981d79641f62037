/** `hearsay sync`: runs anti-entropy now and reports what it took. */
import type { SyncSession } from '../client.js'
import { printTable } from '../columns.js'
import type { Action } from '../command.js'
import { formatBytes } from '../duration.js'
import { printable } from '../output.js'

/** Runs sessions with one peer or all. */
export const sync: Action = async (invocation) => {
  const report = await invocation.client().sync(invocation.positionals[0])
  if (invocation.json) return invocation.output.json(report)
  if (report.sessions.length === 0) return invocation.output.line('no peer is connected: see `hearsay status`')
  const headings = ['PEER', 'MODE', 'ROUND TRIPS', 'SENT', 'RECEIVED', 'ENDED']
  const narrowing = { drop: ['ROUND TRIPS'], cut: ['ENDED', 'PEER'] }
  await printTable(invocation.output, headings, report.sessions.map(row), narrowing)
}

function row(session: SyncSession): string[] {
  const amount = (entries: number, bytes: number) => `${entries.toLocaleString('en-US')} (${formatBytes(bytes)})`
  return [
    printable(session.name),
    session.mode,
    String(session.roundTrips),
    amount(session.entriesSent, session.bytesSent),
    amount(session.entriesReceived, session.bytesReceived),
    printable(session.ended),
  ]
}
