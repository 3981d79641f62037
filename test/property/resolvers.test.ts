/**
 * Users who edit one JSON document on nodes that hear of each other now and then: with a resolver no edit is lost,
 * whatever the resolver's luck.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Access } from '../../store/data/access.js'
import { Registers } from '../../store/data/registers.js'
import { mergeJson } from '../../store/model/json-merge.js'
import type { Sibling } from '../../store/model/register.js'
import type { Outcome, Resolvers } from '../../store/model/resolver.js'
import { tokenKey } from '../../store/model/token.js'
import { amount } from '../support/effort.js'
import { type OpenReplica, openNode } from '../support/replicas.js'

const secret = tokenKey(Buffer.alloc(32, 7))
const nodes = 3
const node = fc.nat(nodes - 1)
const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ act: fc.constant('edit' as const), node, hears: fc.option(node), afterMs: fc.nat(50) }),
  },
  { weight: 3, arbitrary: fc.record({ act: fc.constant('hear' as const), node, from: node }) },
  { weight: 1, arbitrary: fc.record({ act: fc.constant('merge' as const), node }) },
)
const steps = fc.array(step, { maxLength: 25 })

const merged = (groups: readonly Sibling[]): Outcome => {
  const value = mergeJson(groups.map(({ version }) => version.value))
  return value === undefined ? 'siblings' : { value }
}

/** A rule that answers at once. */
const atOnce: Resolvers = { outcome: (_key, groups) => merged(groups), prepare: async () => {} }

/** A rule that runs elsewhere, and sometimes gives no value in time. */
function elsewhere(luck: () => boolean): Resolvers {
  const known = new Map<string, Outcome>()
  const keyOf = (groups: readonly Sibling[]) => groups.map(({ version }) => String(version.value)).join('\n')
  return {
    outcome: (_key, groups) => known.get(keyOf(groups)) ?? 'pending',
    prepare: async (_key, groups) => {
      await Promise.resolve()
      known.set(keyOf(groups), luck() ? merged(groups) : 'siblings')
    },
  }
}

type Editor = OpenReplica & { readonly registers: Registers }

async function open(name: string, resolvers: Resolvers): Promise<Editor> {
  const opened = await openNode(name)
  return { ...opened, registers: new Registers(new Access(opened.replica, () => secret, resolvers)) }
}

async function hear(to: Editor, from: Editor): Promise<void> {
  const missing = from.replica.sync.capture().applied.minus(to.replica.sync.capture().applied)
  const found = await from.replica.sync.readMissing(missing, 1 << 20, to.replica.sync.capture().applied)
  await to.replica.sync.applyUpdates({ updates: [...found.updates], members: from.replica.sync.capture().members })
}

async function read(editor: Editor) {
  return editor.registers.read('doc')
}

/** Reads, hears of others or not, and writes over what was read with one more key and one more tag. */
async function edit(editor: Editor, mark: string, meanwhile: () => Promise<void>, withContext: boolean): Promise<void> {
  const shown = await read(editor)
  const doc = shown === undefined ? { tags: [] } : JSON.parse(String(shown.versions[0]!.value))
  const value = Buffer.from(JSON.stringify({ ...doc, last: mark, [mark]: true, tags: [...doc.tags, mark] }))
  // A first write has no context to say that it saw nothing.
  if (withContext && shown !== undefined) await meanwhile()
  await editor.registers.put('doc', value, withContext && shown !== undefined ? { context: shown.winnerContext } : {})
}

async function play(
  plan: readonly (typeof step extends fc.Arbitrary<infer T> ? T : never)[],
  make: () => Resolvers,
  withContext: boolean,
) {
  const editors: Editor[] = []
  for (let at = 0; at < nodes; at++) editors.push(await open(`node${at}`, make()))
  const marks: string[] = []
  for (const [at, one] of plan.entries()) {
    const editor = editors[one.node]!
    if (one.act === 'hear') await hear(editor, editors[one.from]!)
    else if (one.act === 'edit') {
      editor.environment.pass(one.afterMs)
      const others = one.hears === null ? [] : [editors[one.hears]!]
      await edit(
        editor,
        `m${at}`,
        () => Promise.all(others.map((other) => hear(editor, other))).then(() => {}),
        withContext,
      )
      marks.push(`m${at}`)
    } else {
      await editor.registers.resolve('doc', { merge: true }, {}).catch((error: { code: string }) => {
        if (error.code !== 'NOT_FOUND' && error.code !== 'BAD_REQUEST') throw error
      })
    }
  }
  for (let round = 0; round < nodes; round++) {
    for (const to of editors) for (const from of editors) await hear(to, from)
  }
  return { editors, marks }
}

function marksIn(values: readonly Uint8Array[]): { keys: string[]; tags: string[] } {
  const docs = values.map((value) => JSON.parse(String(value)) as { tags: string[] })
  const all = (list: string[]) => [...new Set(list)].sort()
  const keys = docs.flatMap((doc) => Object.keys(doc).filter((key) => key.startsWith('m')))
  return { keys: all(keys), tags: all(docs.flatMap(({ tags }) => tags)) }
}

describe('edits below a resolver', () => {
  it.each([
    ['over what the read showed', true],
    ['over what is shown when they are stored', false],
  ])('are all in the one value that every node shows: %s', async (_, withContext) => {
    await fc.assert(
      fc.asyncProperty(steps, async (plan) => {
        const { editors, marks } = await play(plan, () => atOnce, withContext)
        if (marks.length === 0) return
        const values = await Promise.all(
          editors.map(async (editor) => (await read(editor))!.versions.map(({ value }) => String(value))),
        )
        expect(values).toEqual(Array(nodes).fill([values[0]![0]]))
        const expected = marks.toSorted()
        expect(marksIn(values[0]!.map((value) => Buffer.from(value)))).toEqual({ keys: expected, tags: expected })
      }),
      { numRuns: amount(25, 60) },
    )
  })

  it('are all in what is shown, together, when the resolver now and then gives no value', async () => {
    await fc.assert(
      fc.asyncProperty(steps, fc.infiniteStream(fc.boolean()), async (plan, lucks) => {
        const luck = () => lucks.next().value as boolean
        const { editors, marks } = await play(plan, () => elsewhere(luck), true)
        const expected = { keys: marks.toSorted(), tags: marks.toSorted() }
        for (const editor of editors) {
          const shown = await read(editor)
          if (marks.length > 0) expect(marksIn(shown!.versions.map(({ value }) => value))).toEqual(expected)
        }
      }),
      { numRuns: amount(25, 60) },
    )
  })

  it('supersede all siblings when they were merged, and the shown one alone when they were not', async () => {
    for (const isLucky of [true, false]) {
      const { editors } = await play(
        [
          { act: 'edit', node: 0, hears: null, afterMs: 0 },
          { act: 'edit', node: 1, hears: null, afterMs: 1 },
          { act: 'edit', node: 2, hears: null, afterMs: 2 },
        ],
        () => elsewhere(() => isLucky),
        true,
      )
      await editors[0]!.registers.put('doc', Buffer.from('{"tags":[]}'), {})
      expect(editors[0]!.replica.versions({ key: 'doc', type: 'reg', field: new Uint8Array() })).toHaveLength(
        isLucky ? 1 : 3,
      )
    }
  })
})
