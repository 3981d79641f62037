/**
 * The small language of the table in docs/CONFLICTS.md: what a side does to the key `k`, and what a node shows of it.
 */
import { parseDuration } from '../../daemon/config/parse.js'
import { canonical, type Json } from '../../store/documents/json.js'
import { parseJsonPatch } from '../../store/documents/json-patch.js'
import { register } from '../../store/model/address.js'
import type { Side } from './trio.js'

const key = 'k'

type Verb = (side: Side, words: RegExpMatchArray) => Promise<unknown>

const bytesMax = 1 << 20

const bytes = (text: string) => Buffer.from(text)

/** What a side does, by how it is written. */
const verbs: readonly (readonly [RegExp, Verb])[] = [
  [
    /^put (\S+)(?: for (\w+))?$/,
    (side, [, value, ttl]) => side.data.registers.put(key, bytes(value!), deadline(side, ttl)),
  ],
  [
    /^put (\S+) over all$/,
    (side, [, value]) => {
      const context = side.data.registers.get(key)?.context
      return side.data.registers.put(key, bytes(value!), { context })
    },
  ],
  [
    /^put (\S+) beside$/,
    (side, [, value]) =>
      side.data.contents.importVersion(register(key), bytes(value!), { expiresAtMs: null, extra: true }),
  ],
  [/^delete$/, (side) => side.data.registers.delete(key, {})],
  [/^delete all$/, (side) => side.data.registers.delete(key, { all: true })],
  [/^count ([+-]\d+)$/, (side, [, by]) => side.data.counters.increment(key, Number(by), {})],
  [/^import (\d+)$/, (side, [, value]) => side.data.contents.importCounter(key, BigInt(value!))],
  [/^delete counter$/, (side) => side.data.counters.delete(key, {})],
  [/^add (\S+)$/, (side, [, member]) => side.data.sets.add(key, bytes(member!), {})],
  [/^remove (\S+)$/, (side, [, member]) => side.data.sets.remove(key, bytes(member!), {})],
  [/^delete set$/, (side) => side.data.sets.clear(key, {})],
  [
    /^(\w+) := (\S+)(?: for (\w+))?$/,
    (side, [, field, value, ttl]) => side.data.maps.put(key, field!, bytes(value!), deadline(side, ttl)),
  ],
  [/^drop (\w+)$/, (side, [, field]) => side.data.maps.delete(key, field!, {})],
  [/^delete map$/, (side) => side.data.maps.clear(key, { all: true })],
  [/^doc (\{.*\})$/, (side, [, json]) => side.data.documents.edit(key, { put: JSON.parse(json!) }, { bytesMax })],
  [/^merge (\{.*\})$/, (side, [, json]) => side.data.documents.edit(key, { merge: JSON.parse(json!) }, { bytesMax })],
  [
    /^patch (.*)$/,
    (side, [, list]) => {
      const operations = parseJsonPatch(JSON.parse(`[${list}]`))
      return side.data.documents.edit(key, { operations }, { bytesMax })
    },
  ],
  [/^delete doc$/, (side) => side.data.documents.delete(key, {})],
  [
    /^after (\w+) it expires$/,
    async (side, [, time]) => {
      side.environment.pass(parseDuration(time!))
      if ((await side.replica.upkeep.sweepExpired()) === 0) throw new Error('nothing has expired')
    },
  ],
]

function deadline(side: Side, ttl: string | undefined): { expiresAtMs: number | null } {
  return { expiresAtMs: ttl === undefined ? null : side.environment.nowMs() + parseDuration(ttl) }
}

/** Does what a cell says; an empty one (`-`) does nothing. Throws for what is not in the language. */
export async function perform(side: Side, cell: string): Promise<void> {
  if (cell === '-') return
  for (const step of cell.split('; ')) {
    const found = verbs.map(([form, verb]) => ({ words: step.match(form), verb })).find(({ words }) => words !== null)
    if (found === undefined) throw new Error(`not in the language: '${step}'`)
    await found.verb(side, found.words!)
  }
}

/**
 * What a node shows of the key: `nothing`, or its types behind each other. Siblings stand in the order of their text.
 */
export async function shownText(side: Side): Promise<string> {
  const parts = [registerText(side), counter(side), await set(side), await map(side), await documentText(side)].filter(
    (part) => part !== undefined,
  )
  return parts.length === 0 ? 'nothing' : parts.join('; ')
}

function registerText({ data }: Side): string | undefined {
  const found = data.registers.get(key)
  return found && values(found.versions)
}

function values(versions: readonly { readonly value: Uint8Array }[]): string {
  return versions
    .map(({ value }) => Buffer.from(value).toString())
    .sort()
    .join(' and ')
}

function counter({ data }: Side): string | undefined {
  const value = data.counters.get(key)
  return value === undefined ? undefined : `count ${value}`
}

async function set({ data }: Side): Promise<string | undefined> {
  const members: string[] = []
  for await (const chunk of data.sets.members(key)) members.push(...chunk.map((one) => Buffer.from(one).toString()))
  return members.length === 0 ? undefined : `{${members.join(', ')}}`
}

async function map({ data }: Side): Promise<string | undefined> {
  const fields: string[] = []
  for await (const chunk of data.maps.fields(key)) {
    for (const { field, shown } of chunk) fields.push(`${Buffer.from(field)} = ${values(shown.versions)}`)
  }
  return fields.length === 0 ? undefined : fields.join(', ')
}

/** The JSON; where it holds concurrent values, `?`, and behind it the values in the order of their text. */
async function documentText({ data }: Side): Promise<string | undefined> {
  const found = await data.documents.get(key)
  if (found === undefined) return undefined
  const json = structuredClone(found.json) as Json
  const places = found.conflicts.map(({ path, values }) => {
    setAt(json, path, '?')
    return `${path}: ${values.map(canonical).sort().join(' and ')}`
  })
  return [canonical(json), ...places].join(', ')
}

function setAt(json: Json, path: string, value: string): void {
  const steps = path.slice(1).split('/')
  const last = steps.pop()!
  const around = steps.reduce((inside, step) => (inside as Record<string, Json>)[step]!, json)
  ;(around as Record<string, Json>)[last] = value
}
