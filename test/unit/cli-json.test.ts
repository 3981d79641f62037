/** docs/JSON.md against the table of commands and the contract of the API. */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { commands } from '../../cli/commands/table.js'
import { countedShape, counterShape, fieldVersionsShape, mapShape, setShape } from '../../protocols/api/collections.js'
import { conflict } from '../../protocols/api/conflicts.js'
import { finding, findingsShape } from '../../protocols/api/doctor.js'
import { documentShown } from '../../protocols/api/documents.js'
import { listItem, versionsShape, writtenShape } from '../../protocols/api/kv.js'
import {
  blockedShape,
  joinedShape,
  member,
  session,
  statusShape,
  tokenShape,
  waitShape,
  whereShape,
} from '../../protocols/api/mesh.js'
import { version } from '../../protocols/api/parts.js'
import { configShape } from '../../protocols/api/system.js'
import { watchEvent } from '../../protocols/api/watch.js'

const page = readFileSync(new URL('../../docs/JSON.md', import.meta.url), 'utf8')
const rows = new Map([...page.matchAll(/^\| `([a-z -]+)` *\| (.*?) *\|$/gm)].map(([, name, text]) => [name!, text!]))

/** Names in the braces of a row; `at` counts the braces. */
function namesOf(command: string, at = 0): string[] {
  const [, names = ''] = [...(rows.get(command) ?? '').matchAll(/\{([^}]*)\}/g)][at] ?? []
  return names.split(', ')
}

/** Members of a shape as the page writes them. */
function membersOf(shape: { readonly properties: object; readonly required?: readonly string[] }): string[] {
  const { properties, required = [] } = shape
  return Object.keys(properties).map((name) => (required.includes(name) ? name : `${name}?`))
}

describe('docs/JSON.md', () => {
  it('has a row for every command with --json, and for no other', () => {
    const withJson = commands.filter(({ options }) => options.some(({ name }) => name === 'json'))
    const documented = [...rows.keys()].filter((name) => name !== 'del --prefix')
    expect(documented.toSorted()).toEqual(withJson.map(({ name }) => name).toSorted())
  })

  it.each([
    ['get', versionsShape, 0],
    ['get', version, 1],
    ['ls', listItem, 0],
    ['conflicts', conflict, 0],
    ['counter incr', countedShape, 0],
    ['counter get', counterShape, 0],
    ['set ls', setShape, 0],
    ['map get', fieldVersionsShape, 0],
    ['map ls', mapShape, 0],
    ['doc get', documentShown, 0],
    ['doc put', writtenShape, 0],
    ['status', statusShape, 0],
    ['doctor', findingsShape, 0],
    ['doctor', finding, 1],
    ['members', member, 0],
    ['wait', waitShape, 0],
    ['sync', session, 1],
    ['where', whereShape, 0],
    ['invite', tokenShape, 0],
    ['join', joinedShape, 0],
    ['block', blockedShape, 0],
    ['config', configShape, 0],
  ] as const)('%s prints what the contract says', (command, shape, at) => {
    expect(namesOf(command, at).toSorted()).toEqual(membersOf(shape).toSorted())
  })

  it('names what the client adds to answers', () => {
    expect(namesOf('put')).toEqual([...membersOf(writtenShape), 'siblings?'])
    expect(namesOf('watch')).toEqual([...membersOf(watchEvent), 'cursor'])
  })
})
