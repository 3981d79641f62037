/** The yardstick of whole-process listings: pages of a raw store over HTTP, parsed and printed. */
import { once } from 'node:events'
import { RawClient } from '../support/load.js'

const pageSize = 1_000
const [socketPath, what] = process.argv.slice(2) as [string, 'ls' | 'export']
const client = await RawClient.open(socketPath)
let after: string | null | undefined
do {
  const query = `limit=${pageSize}${after === undefined ? '' : `&after=${encodeURIComponent(after!)}`}`
  const { body } = await client.send(Buffer.from(`GET /v1/kv?${query} HTTP/1.1\r\nHost: bench\r\n\r\n`))
  const { items, next } = JSON.parse(body.toString()) as {
    items: { key: string; value: string }[]
    next: string | null
  }
  const lines = items.map((item) => (what === 'ls' ? item.key : JSON.stringify(item)))
  if (lines.length > 0 && !process.stdout.write(`${lines.join('\n')}\n`)) await once(process.stdout, 'drain')
  after = next
} while (after !== null)
client.close()
