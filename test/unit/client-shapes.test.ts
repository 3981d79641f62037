/** The client's types against the schemas that the daemon answers by: each has every member that the other has. */
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import * as batch from '../../daemon/http/shapes/batch.js'
import * as collections from '../../daemon/http/shapes/collections.js'
import * as conflicts from '../../daemon/http/shapes/conflicts.js'
import * as kv from '../../daemon/http/shapes/kv.js'
import * as mesh from '../../daemon/http/shapes/mesh.js'

const source = readFileSync(new URL('../../cli/client/shapes.ts', import.meta.url), 'utf8')

/** The names of an interface of the client, those that it inherits included. */
function membersOf(name: string): string[] {
  const [, parents = '', body = ''] =
    new RegExp(`^export interface ${name}(?: extends ([^{]+))? \\{\\n(.*?)^\\}`, 'ms').exec(source) ?? []
  const own = [...body.matchAll(/^ {2}readonly (\w+)\??:/gm)].map(([, member]) => member!)
  const inherited = parents.match(/\b(?!Partial\b)\w+/g) ?? []
  return [...inherited.flatMap(membersOf), ...own]
}

interface Schema {
  readonly properties?: object
  readonly items?: Schema
}

const namesOf = (schema: Schema) => Object.keys(schema.properties ?? {})
const itemsOf = (schema: Schema) => schema.items ?? {}

describe('the client knows', () => {
  test.each<[string, Schema, string[]]>([
    ['Status', mesh.statusShape, []],
    ['Member', itemsOf(mesh.statusShape.properties.members), []],
    ['Member', itemsOf(mesh.membersShape.properties.members), []],
    ['SyncSession', itemsOf(mesh.sessionsShape.properties.sessions), []],
    ['Where', mesh.whereShape, []],
    // Siblings come in a header.
    ['Written', kv.writtenShape, ['siblings']],
    ['FieldWritten', collections.fieldWrittenShape, ['siblings']],
    ['Versions', kv.versionsShape, []],
    ['Version', itemsOf(kv.versionsShape.properties.versions), []],
    ['FieldVersions', collections.fieldVersionsShape, []],
    ['ListItem', itemsOf(kv.listShape.properties.items), []],
    ['CounterValue', collections.counterShape, []],
    ['Counted', collections.countedShape, []],
    ['SetMembers', collections.setShape, []],
    ['Added', collections.addedShape, []],
    ['MapFields', collections.mapShape, []],
    ['Batched', batch.batchShape, []],
    ['Conflict', itemsOf(conflicts.conflictsShape.properties.items), []],
  ])('every member of %s', (name, schema, others) => {
    expect(membersOf(name).length).toBeGreaterThan(1)
    expect(membersOf(name).toSorted()).toEqual([...namesOf(schema), ...others].toSorted())
  })
})
