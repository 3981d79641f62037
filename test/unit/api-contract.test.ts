/** The contract of the HTTP API: what the compiler refuses, what its files import, and what its rows must agree on. */
import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { Requests } from '../../cli/client/requests.js'
import type { Handler, RouteGroup } from '../../daemon/http/endpoints.js'
import type { counters } from '../../protocols/api/collections.js'
import type { Endpoint } from '../../protocols/api/endpoint.js'
import { endpoints } from '../../protocols/api/endpoints.js'
import type { kv } from '../../protocols/api/kv.js'
import { batchOperationsMax, valueBytesMax } from '../../protocols/api/limits.js'
import { mesh } from '../../protocols/api/mesh.js'
import { routes } from '../../protocols/api/routes.js'
import * as batches from '../../store/data/batches.js'
import * as model from '../../store/model/limits.js'

const folder = new URL('../../protocols/api/', import.meta.url)
const files = readdirSync(folder).filter((name) => name.endsWith('.ts'))

/** What a file imports, with `type` in front of what the compiler erases. */
function importsOf(file: string): string[] {
  const text = readFileSync(new URL(file, folder), 'utf8')
  return [...text.matchAll(/^import (type )?[^;]*? from '([^']+)'/gms)].map(([, type = '', name]) => type + name)
}

describe('a handler', () => {
  it('whose answer is missing or wrong does not compile', () => {
    // @ts-expect-error a member of the answer is missing
    const partial: Handler<typeof mesh.getStatus> = async () => ({ node: 'a' })
    // @ts-expect-error a member has another type
    const mistyped: Handler<typeof mesh.invite> = async () => ({ token: 1 })
    // @ts-expect-error there is no answer
    const silent: Handler<typeof mesh.invite> = async () => {}
    // @ts-expect-error the endpoint sends its answer itself
    const unsent: Handler<typeof kv.getValue> = async () => ({})
    // @ts-expect-error the endpoint answers without a body
    const talkative: Handler<typeof kv.deleteValue> = async () => ({ key: 'k' })
    // @ts-expect-error the body has no such member
    const curious: Handler<typeof counters.incrementCounter> = async ({ body }) => body.nonsense
    // @ts-expect-error there are no handlers
    const empty: RouteGroup<typeof mesh> = { endpoints: mesh, handlers: {} }
    expect([partial, mistyped, silent, unsent, talkative, curious, empty]).toHaveLength(7)
  })
})

describe('a call of the client', () => {
  it('that the contract does not know does not compile', () => {
    const calls = (requests: Requests) => [
      // @ts-expect-error the key is missing
      requests.json(routes.getCounter, {}),
      // @ts-expect-error the text of the path has another name
      requests.json(routes.getCounter, { path: { name: 'k' } }),
      // @ts-expect-error the query has no such member
      requests.json(routes.listKeys, { query: { first: 3 } }),
      // @ts-expect-error the body lacks what it needs
      requests.json(routes.join, { json: {} }),
      // @ts-expect-error the answer has no such member
      requests.json(routes.getStatus, {}).then(({ names }) => names),
    ]
    expect(calls).toBeInstanceOf(Function)
  })
})

describe('the contract', () => {
  it('has one row for each route, under the same name', () => {
    expect(Object.entries<Endpoint>(endpoints).map(([name, { route }]) => [name, route])).toEqual(
      Object.entries(routes),
    )
  })

  it('has the limits of the store', () => {
    expect(batchOperationsMax).toBe(batches.batchOperationsMax)
    expect(valueBytesMax).toBe(model.valueBytesMax)
  })

  it('imports nothing of ours but errors and the types of the model', () => {
    const others = files.flatMap(importsOf).filter((name) => !name.replace('type ', '').startsWith('./'))
    const allowed = ['typebox', 'type typebox', 'type ../../store/errors.js', 'type ../../store/model/types.js']
    expect([...new Set(others)].filter((name) => !allowed.includes(name))).toEqual([])
  })

  it.each(['routes.ts', 'headers.ts', 'limits.ts', 'data-types.ts'])('%s is plain data, and loads nothing', (file) => {
    expect(files).toContain(file)
    expect(importsOf(file).filter((name) => !name.startsWith('type '))).toEqual([])
  })
})
