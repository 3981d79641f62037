/** The users of a simulated mesh: they read and write at nodes, keep the tokens that they were given, and know what they had in view. */
import { HearsayError } from '../../store/errors.js'
import { type Address, register } from '../../store/model/address.js'
import { type Dot, includesDot } from '../../store/model/dot.js'
import { decodeToken, tokenKey } from '../../store/model/token.js'
import type { Version } from '../../store/model/update.js'
import { Random } from '../support/virtual-environment.js'
import { clockBoundMs, type Run, secret } from './node.js'
import { Violation } from './oracle.js'
import type { Simulation } from './world.js'

interface Token {
  readonly text: string
  readonly dots: readonly Dot[]
}

/** What a user does at a node. */
type Verb = (run: Run, words: readonly string[]) => Promise<unknown> | undefined

/** How long a writer waits for acknowledgements, in milliseconds. */
const acksTimeoutMs = 3_000
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
])

/** Everybody who uses the mesh. */
export class Users {
  readonly #simulation: Simulation
  /** The last token that anybody was given, by key: users take their tokens to other nodes. */
  readonly #tokens = new Map<string, Token>()

  constructor(simulation: Simulation) {
    this.#simulation = simulation
  }

  /** Whether this is something that users do. */
  does(verb: string): boolean {
    return verb in this.#verbs
  }

  /** Does it, when the node serves. */
  perform(verb: string, words: readonly string[]): void {
    const [name = '', ...rest] = words
    const node = this.#simulation.nodes.get(name)
    if (node?.run?.isServing !== true) return
    const { run } = node
    try {
      const done = this.#verbs[verb]?.(run, rest)
      done?.catch((error: unknown) => this.expectHearsayError(error))
    } catch (error) {
      this.expectHearsayError(error)
    } finally {
      run.expected = undefined
    }
  }

  /** An error that a user may meet is none of the oracle's business; anything else is a defect. */
  expectHearsayError(error: unknown): void {
    if (error instanceof HearsayError && expectedCodes.has(error.code)) return
    this.#simulation.fail(error instanceof Violation ? error : new Violation('unexpected-error', describe(error)))
  }

  readonly #verbs: Readonly<Record<string, Verb>> = {
    put: (run: Run, [key = '', value = '', ttl, ms]: readonly string[]) => {
      const expiresAtMs = ttl === 'ttl' ? run.environment.nowMs() + Number(ms) : null
      this.#expectPut(run)
      return run.registers.put(key, Buffer.from(value), { expiresAtMs })
    },
    get: (run: Run, [key = '']: readonly string[]) => {
      const shown = run.registers.get(key)
      if (shown === undefined) return undefined
      const nowMs = run.environment.nowMs()
      for (const { expiresAtMs, dot } of shown.versions) {
        if (expiresAtMs !== null && expiresAtMs <= nowMs)
          throw new Violation('expired-shown', `${dot.counter} of ${key}`)
      }
      const dots = decodeToken(tokenKey(secret), register(key), shown.context)
      if (dots === undefined) throw new Violation('bad-token', `the token of ${key} cannot be read back`)
      this.#tokens.set(key, { text: shown.context, dots })
      return undefined
    },
    tokenput: (run: Run, [key = '', value = '']: readonly string[]) => {
      const token = this.#tokens.get(key)
      if (token === undefined) return undefined
      this.#expectToken(run, token)
      return run.registers.put(key, Buffer.from(value), { context: token.text })
    },
    wrongput: async (run: Run, [key = '', value = '', other = '']: readonly string[]) => {
      const token = this.#tokens.get(other)
      if (token === undefined || other === key) return
      await run.registers.put(key, Buffer.from(value), { context: token.text })
      throw new Violation('foreign-token', `a token of ${other} was taken for ${key}`)
    },
    delete: (run: Run, [key = '']: readonly string[]) => run.registers.delete(key, {}),
    deleteall: (run: Run, [key = '']: readonly string[]) => {
      run.expected = (versions) => versions.map(({ dot }) => dot)
      return run.registers.delete(key, { all: true })
    },
    tokendelete: (run: Run, [key = '']: readonly string[]) => {
      const token = this.#tokens.get(key)
      if (token === undefined) return undefined
      this.#expectToken(run, token)
      return run.registers.delete(key, { context: token.text })
    },
    batch: (run: Run, [value = '', ...keys]: readonly string[]) =>
      run.replica.transact((transaction) => {
        for (const key of new Set(keys)) {
          const dots = transaction.versions(register(key)).map(({ dot }) => dot)
          transaction.put(register(key), Buffer.from(`${value}/${key}`), null, dots)
        }
      }),
    field: (run: Run, [key = '', field = '', value = '']: readonly string[]) =>
      this.#overwrite(run, { key, type: 'map', field: Buffer.from(field) }, value),
    member: (run: Run, [key = '', member = '']: readonly string[]) =>
      this.#overwrite(run, { key, type: 'set', field: Buffer.from(member) }, ''),
    some: (run: Run, [key = '', value = '', salt = '']: readonly string[]) => {
      const random = new Random(Number(salt))
      return run.replica.transact((transaction) => {
        const dots = transaction.versions(register(key)).map(({ dot }) => dot)
        const some = dots.filter(() => random.chance(0.6))
        if (some.length > 0 && random.chance(0.3)) transaction.remove(register(key), some)
        else transaction.put(register(key), Buffer.from(value), null, some)
      })
    },
    big: (run: Run, [key = '', value = '', bytes = '']: readonly string[]) => {
      this.#expectPut(run)
      return run.registers.put(key, Buffer.alloc(Number(bytes), value), {})
    },
    acks: async (run: Run, [key = '', value = '', want = '']: readonly string[]) => {
      this.#expectPut(run)
      const writing = run.registers.put(key, Buffer.from(value), {})
      run.expected = undefined
      const { dot } = await writing
      const wanted = want === 'majority' || want === 'all' ? want : Number(want)
      const acks = await run.protocols.membership.awaitAcks(dot, wanted, acksTimeoutMs)
      this.#checkAcks(dot, acks.nodes)
    },
  }

  #overwrite(run: Run, address: Address, value: string): Promise<unknown> {
    return run.replica.transact((transaction) => {
      const dots = transaction.versions(address).map(({ dot }) => dot)
      transaction.put(address, Buffer.from(value), null, dots)
    })
  }

  #expectPut(run: Run): void {
    const { oracle } = this.#simulation
    const nowMs = run.environment.nowMs()
    run.expected = (versions) => oracle.inViewOfPut(versions, nowMs, clockBoundMs)
  }

  #expectToken(run: Run, token: Token): void {
    const { oracle } = this.#simulation
    const nowMs = run.environment.nowMs()
    run.expected = (versions: readonly Version[]) => {
      const expired = oracle.expired(versions, nowMs).filter((dot) => !includesDot(token.dots, dot))
      return [...token.dots, ...expired]
    }
  }

  /** Whoever is said to have a write has it on the disk. */
  #checkAcks(dot: Dot, names: readonly string[]): void {
    if (!this.#simulation.isSynced) return
    for (const name of names) {
      const node = this.#simulation.nodes.get(name)
      if (node === undefined || node.isDoubtful || node.isRetired || this.#simulation.isRewound(name)) continue
      if (!node.mirror.applied.has(dot))
        throw new Violation('false-acknowledgement', `${name} lacks what it acknowledged`)
    }
  }
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
