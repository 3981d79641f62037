/**
 * The bare server: the same HTTP library with two routes that store into a Map, on a Unix socket; and one that scans a
 * raw store.
 */
import { ClassicLevel } from 'classic-level'
import fastify from 'fastify'
import { serveTasks } from '../support/children.js'
import { type Pair, slices } from '../support/pairs.js'

const values = new Map<string, Buffer>()
const app = fastify()
let raw: ClassicLevel<string, Buffer> | undefined

const written = {
  type: 'object',
  properties: {
    key: { type: 'string' },
    dot: { type: 'string' },
    context: { type: 'string' },
    acks: {
      type: 'object',
      properties: {
        have: { type: 'integer' },
        want: { type: 'integer' },
        nodes: { type: 'array', items: { type: 'string' } },
      },
    },
  },
}

app.removeAllContentTypeParsers()
app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))

app.put('/v1/kv/:key', { schema: { response: { 200: written } } }, async (request) => {
  const { key } = request.params as { key: string }
  values.set(key, request.body as Buffer)
  return {
    key,
    dot: '0123456789abcdef:1',
    context: 'a'.repeat(96),
    acks: { have: 1, want: 1, nodes: ['bench'] },
  }
})

app.get('/v1/kv/:key', async (request, reply) => {
  const { key } = request.params as { key: string }
  const value = values.get(key)
  if (value === undefined) return reply.code(404).send({})
  return reply.header('Content-Type', 'application/octet-stream').send(value)
})

/** A page of rows of the raw store, as the API's lists are. */
app.get('/v1/kv', async (request) => {
  const { after, limit } = request.query as { after?: string; limit: string }
  const rows = await raw!.iterator({ ...(after === undefined ? {} : { gt: after }), limit: Number(limit) }).all()
  const items = rows.map(([key, value]) => ({ key, value: value.toString() }))
  return { items, next: items.length === Number(limit) ? items.at(-1)!.key : null }
})

serveTasks({
  listen: (path: string) => app.listen({ path }),
  openRaw: async (path: string) => {
    raw = new ClassicLevel<string, Buffer>(path, { valueEncoding: 'buffer' })
    await raw.open()
  },
  fillRaw: async (pairs: { key: string; value: string }[]) => {
    const all: Pair[] = pairs.map(({ key, value }) => ({ key, value: Buffer.from(value) }))
    for (const slice of slices(all, 500)) await raw!.batch(slice.map((pair) => ({ type: 'put', ...pair })))
  },
})
