/** What users do at a node: put, get, delete, keep tokens. A refused request prints its code and message. */
import { createHash } from 'node:crypto'
import type { Written } from '../../store/data/types.js'
import { HearsayError } from '../../store/errors.js'
import { register } from '../../store/model/address.js'
import { ScenarioError, type ScenarioStage, valueText } from './stage.js'
import { type Commands, durationMs, expectWords, optionsOf } from './words.js'

/** How long a writer waits for acknowledgements, in milliseconds. */
const acksTimeoutMs = 5_000

/** Commands of users. */
export const userCommands: Commands = {
  /** put NODE KEY VALUE [context=TOKEN] [ttl=30s] [id=OPERATION] [size=BYTES] [acks=N/majority/all] [if-absent] */
  put: (stage, words) => answered(() => put(stage, words)),
  /** get NODE KEY: what a user is shown, the winner first */
  get: (stage, words) => answered(async () => get(stage, words)),
  /** del NODE KEY [context=TOKEN] [all] */
  del: (stage, words) => answered(() => remove(stage, words)),
  /** fill NODE COUNT: so many other keys, in one batch */
  fill: async (stage, words) => {
    expectWords(words, 'NODE COUNT')
    const [node = '', count = ''] = words
    await stage.through(
      stage.run(node).replica.transact((transaction) => {
        for (let at = 0; at < Number(count); at++) transaction.put(register(`filler-${at}`), Buffer.from('x'), null, [])
      }),
    )
    return []
  },
  /** token NAME NODE KEY [winner]: keeps the context of what a get shows, of all versions or of the winner alone */
  token: (stage, words) => {
    const { plain, options } = optionsOf(words, [], ['winner'])
    expectWords(plain, 'NAME NODE KEY')
    const [name = '', node = '', key = ''] = plain
    const shown = stage.run(node).registers.get(key)
    if (shown === undefined) throw new ScenarioError(`${node} shows nothing under ${key}`)
    stage.tokens.set(name, options.has('winner') ? shown.winnerContext : shown.context)
    return []
  },
}

async function put(stage: ScenarioStage, words: readonly string[]): Promise<string[]> {
  const { plain, options } = optionsOf(words, ['context', 'ttl', 'id', 'size', 'acks'], ['if-absent'])
  expectWords(plain, 'NODE KEY VALUE')
  const [node = '', key = '', value = ''] = plain
  const run = stage.run(node)
  const size = options.get('size')
  const bytes = size === undefined ? Buffer.from(value) : Buffer.alloc(Number(size), value)
  const ttl = options.get('ttl')
  const id = options.get('id')
  const written = await stage.through(
    run.registers.put(key, bytes, {
      context: tokenOf(stage, options),
      expiresAtMs: ttl === undefined ? null : run.environment.nowMs() + durationMs(ttl),
      ifAbsent: options.has('if-absent'),
      retry: id === undefined ? undefined : { key: id, requestHash: createHash('sha256').update(bytes).digest() },
    }),
  )
  const acks = options.get('acks')
  return [writtenText(stage, written), ...(acks === undefined ? [] : [await acknowledged(stage, node, written, acks)])]
}

async function acknowledged(stage: ScenarioStage, node: string, { dot }: Written, text: string): Promise<string> {
  const want = text === 'majority' || text === 'all' ? text : Number(text)
  const { membership } = stage.run(node).protocols
  const acks = await stage.through(membership.consistency.awaitAcks(dot, want, acksTimeoutMs))
  return `acknowledged by ${acks.nodes.join(' ')}; ${acks.have} of ${acks.want}`
}

function get(stage: ScenarioStage, words: readonly string[]): string[] {
  expectWords(words, 'NODE KEY')
  const [node = '', key = ''] = words
  const shown = stage.run(node).registers.get(key)
  if (shown === undefined) return ['nothing']
  const lines = shown.versions.map(({ value, dot }) => `${valueText(value)} (${stage.dot(dot)})`)
  return lines.length === 1 ? lines : [...lines, `conflict: ${lines.length} siblings`]
}

async function remove(stage: ScenarioStage, words: readonly string[]): Promise<string[]> {
  const { plain, options } = optionsOf(words, ['context'], ['all'])
  expectWords(plain, 'NODE KEY')
  const [node = '', key = ''] = plain
  const how = { context: tokenOf(stage, options), all: options.has('all') }
  return [writtenText(stage, await stage.through(stage.run(node).registers.delete(key, how)))]
}

function tokenOf(stage: ScenarioStage, options: ReadonlyMap<string, string>): string | undefined {
  const name = options.get('context')
  if (name === undefined) return undefined
  const token = stage.tokens.get(name)
  if (token === undefined) throw new ScenarioError(`no token was kept as ${name}`)
  return token
}

function writtenText(stage: ScenarioStage, { dot }: Written): string {
  return `${stage.dot(dot)}${stage.superseded(dot)}`
}

/** A refusal is an answer. Anything else that goes wrong is a defect. */
async function answered(ask: () => Promise<string[]>): Promise<string[]> {
  try {
    return await ask()
  } catch (error) {
    if (error instanceof HearsayError) return [`${error.code}: ${error.message}`]
    throw error
  }
}
