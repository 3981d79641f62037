/** The data of the demo mesh: keys of every type, and conflicts between two sides of a cut. */
import type { Api } from '../../daemon/http/services.js'
import { type Address, mapField, register } from '../../store/model/address.js'
import type { Update } from '../../store/model/update.js'
import { demoTag } from './demo-mesh.js'
import { putAt } from './many-updates.js'
import type { OpenReplica } from './replicas.js'

const minuteMs = 60_000
const rooms = ['attic', 'cellar', 'kitchen', 'shed'] as const
const note = 'Saturday:\n- bread from the market\n- tea, green\n- batteries for the attic sensor\n'
const otherNote = 'Saturday:\n- bread from the market\n- coffee\n- batteries for the attic sensor\n- flowers\n'

/** Values that are there beside the conflicts. */
const values: readonly (readonly [string, string])[] = [
  ['config/theme', '{"mode":"dark","accent":"#0072b2","dense":false}'],
  ['config/backup', '{"at":"03:00","keep":14}'],
  ['greeting', 'good morning'],
  ['notes/ideas', 'a bench under the pear tree'],
  ['notes/read later', 'https://example.org/dotted-version-vectors'],
]

/** Fills a node with the data of the demo, by its API, as at one moment. */
export async function fillDemo(api: Api, node: OpenReplica, nowMs: number): Promise<void> {
  const put = (url: string, payload: string) => succeeded(api.inject({ method: 'PUT', url: `/v1/${url}`, payload }))
  for (const [key, value] of values) await put(`kv/${encodeURIComponent(key)}`, value)
  for (let at = 0; at < 40; at++) {
    const key = `sensors/${rooms[at % 4]}/${at % 8 < 4 ? 'temperature' : 'humidity'}/${20 + at}`
    await put(`kv/${encodeURIComponent(key)}`, String(18 + (at % 7) / 2))
  }
  for (const member of ['tea', 'bread', 'olives', 'batteries']) await put(`sets/cart%2F7/${member}`, '')
  await put('maps/users%2Fada/name', 'Ada')
  await put('maps/users%2Fada/city', 'London')
  await put(
    'docs/plans%2Fgarden',
    JSON.stringify({ beds: 4, crops: ['beans', 'chard'], bench: { under: 'pear tree' } }),
  )
  await succeeded(api.inject({ method: 'POST', url: '/v1/counters/visits', payload: { by: 1204 } }))
  await takeConflicts(node, nowMs)
}

async function succeeded(sent: Promise<{ statusCode: number; body: string }>): Promise<void> {
  const { statusCode, body } = await sent
  if (statusCode >= 300) throw new Error(`the demo is not filled: ${statusCode} ${body}`)
}

/** Applies what members have written without hearing each other. */
async function takeConflicts(node: OpenReplica, nowMs: number): Promise<void> {
  const written = [
    conflictPut('ann', 1, register('notes/shopping'), note, nowMs - 12 * minuteMs),
    conflictPut('eve', 1, register('notes/shopping'), otherNote, nowMs - 3 * minuteMs),
    conflictPut('cid', 1, mapField('users/ada', 'mail'), 'ada@example.org', nowMs - 8 * minuteMs),
    conflictPut('ann', 2, mapField('users/ada', 'mail'), 'ada@example.com', nowMs - 10 * minuteMs),
  ]
  const members = new Map(['ann', 'cid', 'eve'].map((name) => [runOf(name), demoTag(name)]))
  await node.replica.sync.applyUpdates({ updates: written, members })
}

function runOf(name: string): string {
  return Buffer.from(`run-${name}`.padEnd(8).slice(0, 8)).toString('hex')
}

function conflictPut(name: string, counter: number, address: Address, text: string, ms: number): Update {
  return putAt({ actor: runOf(name), counter }, { address, value: Buffer.from(text), time: { ms, logical: 0 } })
}
