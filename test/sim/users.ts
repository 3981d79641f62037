/**
 * The users of a simulated mesh: they read and write at nodes, keep the tokens that they were given, and know what they
 * had in view.
 */
import { HearsayError } from '../../store/errors.js'
import type { Dot } from '../../store/model/dot.js'
import type { DocumentAccounts } from './documents.js'
import type { Run, SimNode } from './node.js'
import { RetryAccounts } from './retries.js'
import { documentVerbs } from './users-documents.js'
import { rawVerbs } from './users-raw.js'
import { registerVerbs } from './users-registers.js'
import { typeVerbs } from './users-types.js'
import { SimulationViolation } from './violation.js'

/** A context that a user was given. */
export interface Token {
  readonly text: string
  readonly dots: readonly Dot[]
  /** What stood at these dots where the token was read, by dot. */
  readonly view: ReadonlyMap<string, string>
}

/** What a user does at a node that serves: `words` are those of the action after the node's name. */
export type Verb = (users: Users, run: Run, words: readonly string[]) => Promise<unknown> | undefined

/** Every verb. A further type of data is one more table of verbs here, and its acts in acts.ts. */
const verbs: Readonly<Record<string, Verb>> = {
  ...registerVerbs,
  ...typeVerbs,
  ...documentVerbs,
  ...rawVerbs,
}

/** The names of all. */
export const userVerbs: readonly string[] = Object.keys(verbs)

/** Codes that users may meet while disks and networks fail. */
const expectedCodes = new Set([
  'STORE_FAILED',
  'NOT_FOUND',
  'CONFLICT',
  'BAD_CONTEXT',
  'NO_QUORUM',
  'DAMAGED_VALUE',
  'NOT_VERIFIED',
  'BAD_REQUEST',
  'COUNTER_RANGE',
  'TOO_MANY_SIBLINGS',
  'RETRY_KEY_REUSED',
  'DOCUMENT_UNREADABLE',
])

/** What users need of the mesh that they use. */
export interface UsersAround {
  /** A node, running or not. */
  nodeOf(name: string): SimNode | undefined
  /** The account of documents, which is told of every edit. */
  readonly documents: DocumentAccounts
  /** True if an acknowledged write survives any crash. */
  readonly isSynced: boolean
  /** Now, in virtual milliseconds. */
  nowMs(): number
  /** True if one node could have asked another, and been answered, at a moment or since. */
  couldAnswer(from: string, to: string, sinceMs: number): boolean
  /** Something is wrong. */
  fail(error: unknown): void
}

/** Everybody who uses the mesh. */
export class Users {
  /** The last token that anybody was given, by key: users take their tokens to other nodes. */
  readonly tokens = new Map<string, Token>()
  readonly #around: UsersAround
  /** What requests under a retry key were answered, by node. */
  readonly retries = new RetryAccounts()

  constructor(around: UsersAround) {
    this.#around = around
  }

  /** The account of documents. */
  get documents(): DocumentAccounts {
    return this.#around.documents
  }

  /** True if this is something that users do. */
  does(verb: string): boolean {
    return Object.hasOwn(verbs, verb)
  }

  /** Does it, when the node serves. */
  perform(verb: string, words: readonly string[]): void {
    const [name = '', ...rest] = words
    const node = this.#around.nodeOf(name)
    if (node?.run?.isServing !== true || !node.isAwake) return
    const { run } = node
    try {
      const done = verbs[verb]?.(this, run, rest)
      done?.catch((error: unknown) => this.expectHearsayError(error))
    } catch (error) {
      this.expectHearsayError(error)
    } finally {
      run.expected = undefined
      run.named = undefined
      run.adding = undefined
    }
  }

  /** An error that a user may meet is none of the oracle's business; anything else is a defect. */
  expectHearsayError(error: unknown): void {
    if (error instanceof HearsayError && expectedCodes.has(error.code)) return
    this.#around.fail(
      error instanceof SimulationViolation ? error : new SimulationViolation('unexpected-error', describe(error)),
    )
  }

  /** Runs a request under a retry key: answered as it was before, unless the disk has lost that meanwhile. */
  async once(run: Run, retryKey: string, request: string, ask: () => Promise<{ readonly dot: Dot }>): Promise<void> {
    const name = run.network.self
    this.retries.asked(name, retryKey)
    const { dot } = await ask()
    const hasForgotten = this.#around.nodeOf(name)?.isRewound !== false
    this.retries.answered(name, { retryKey, request, dot, atMs: run.environment.nowMs() }, hasForgotten)
  }

  /** Now, in virtual milliseconds. */
  get nowMs(): number {
    return this.#around.nowMs()
  }

  /** A quorum was proven to a node that asked at a moment: a majority of its members could have answered since. */
  checkQuorum(name: string, others: readonly string[], sinceMs: number): void {
    const count = others.filter((other) => this.#around.couldAnswer(name, other, sinceMs)).length + 1
    if (2 * count > others.length + 1) return
    throw new SimulationViolation(
      'false-quorum',
      `${name} found a majority of ${others.length + 1}, and could reach ${count}`,
    )
  }

  /** Whoever is said to have a write has it on the disk. */
  checkAcks(dot: Dot, names: readonly string[]): void {
    if (!this.#around.isSynced) return
    for (const name of names) {
      const node = this.#around.nodeOf(name)
      if (node === undefined || node.isDoubtful || node.isRetired || node.isRewound) continue
      if (!node.mirror.applied.has(dot))
        throw new SimulationViolation('false-acknowledgement', `${name} lacks what it acknowledged`)
    }
  }
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
