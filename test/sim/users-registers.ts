/** What users do with registers; each write is checked against what its user had in view. */
import { register } from '../../store/model/address.js'
import { dotText, includesDot } from '../../store/model/dot.js'
import { decodeToken } from '../../store/model/token.js'
import { storedText } from './forks.js'
import { type Run, secretTokenKey } from './node.js'
import type { Token, Users, Verb } from './users.js'
import { expired, inViewOfPut, readerSees } from './views.js'
import { SimulationViolation } from './violation.js'

/** How long a writer waits for acknowledgements, in milliseconds. */
const acksTimeoutMs = 3_000
/** How long somebody waits for the proof of a quorum, in milliseconds. */
const quorumTimeoutMs = 2_000

/** Verbs of registers. */
export const registerVerbs: Readonly<Record<string, Verb>> = {
  /** put NODE KEY VALUE [ttl MS] */
  put: (_, run, [key = '', value = '', ttl, ms]) => {
    const expiresAtMs = ttl === 'ttl' ? run.environment.nowMs() + Number(ms) : null
    expectPut(run)
    return run.registers.put(key, Buffer.from(value), { expiresAtMs })
  },
  /** big NODE KEY VALUE BYTES */
  big: (_, run, [key = '', value = '', bytes = '']) => {
    expectPut(run)
    return run.registers.put(key, Buffer.alloc(Number(bytes), value), {})
  },
  /** acks NODE KEY VALUE WANT: waits for acknowledgements */
  acks: async (users, run, [key = '', value = '', want = '']) => {
    expectPut(run)
    const writing = run.registers.put(key, Buffer.from(value), {})
    run.expected = undefined
    const { dot } = await writing
    const wanted = want === 'majority' || want === 'all' ? want : Number(want)
    const acks = await run.protocols.membership.consistency.awaitAcks(dot, wanted, acksTimeoutMs)
    users.checkAcks(dot, acks.nodes)
  },
  /** get NODE KEY: and keeps the token */
  get: (users, run, [key = '']) => {
    get(users, run, key)
    return undefined
  },
  /** tokenput NODE KEY VALUE: with the token that was kept last */
  tokenput: (users, run, [key = '', value = '']) => {
    const token = users.tokens.get(key)
    if (token === undefined) return undefined
    expectToken(run, token)
    return run.registers.put(key, Buffer.from(value), { context: token.text })
  },
  /** again NODE KEY VALUE: a request that is repeated, also after a crash, is stored once */
  again: (users, run, [key = '', value = '']) => putOnce(users, run, value, key, value),
  /**
   * reuse NODE KEY VALUE RETRY: another request under a retry key that was used before, which must not get the answer
   * of the first
   */
  reuse: (users, run, [key = '', value = '', retryKey = '']) => putOnce(users, run, retryKey, key, value),
  /** wrongput NODE KEY VALUE OTHER: with a token of another key, which must be refused */
  wrongput: async (users, run, [key = '', value = '', other = '']) => {
    const token = users.tokens.get(other)
    if (token === undefined || other === key) return
    await run.registers.put(key, Buffer.from(value), { context: token.text })
    throw new SimulationViolation('foreign-token', `a token of ${other} was taken for ${key}`)
  },
  /** quorum NODE: asks for a proof that a majority of the members is there */
  quorum: async (users, run) => {
    const sinceMs = users.nowMs
    const { membership } = run.protocols
    const isProven = await membership.consistency.proveQuorum(quorumTimeoutMs)
    if (isProven)
      users.checkQuorum(
        run.network.self,
        membership.records().map(({ peer }) => peer),
        sinceMs,
      )
  },
  /** delete NODE KEY */
  delete: (_, run, [key = '']) => run.registers.delete(key, {}),
  /** deleteall NODE KEY */
  deleteall: (_, run, [key = '']) => {
    run.expected = (versions) => {
      const { nowMs, expiredByMs } = run.clocks()
      const inView = readerSees(versions, nowMs).map(({ dot }) => dot)
      return [...inView, ...expired(versions, expiredByMs).filter((dot) => !includesDot(inView, dot))]
    }
    return run.registers.delete(key, { all: true })
  },
  /** tokendelete NODE KEY */
  tokendelete: (users, run, [key = '']) => {
    const token = users.tokens.get(key)
    if (token === undefined) return undefined
    expectToken(run, token)
    return run.registers.delete(key, { context: token.text })
  },
}

/** Nothing that has expired is shown; the token of what is shown is kept. */
function get(users: Users, run: Run, key: string): void {
  const shown = run.registers.get(key)
  if (shown === undefined) return
  const nowMs = run.environment.nowMs()
  for (const { expiresAtMs, dot } of shown.versions) {
    if (expiresAtMs !== null && expiresAtMs <= nowMs)
      throw new SimulationViolation('expired-shown', `${dot.counter} of ${key}`)
  }
  const dots = decodeToken(secretTokenKey, register(key), shown.context)
  if (dots === undefined) throw new SimulationViolation('bad-token', `the token of ${key} cannot be read back`)
  users.tokens.set(key, { text: shown.context, dots, view: viewAt(run, key) })
}

/** What stands at each dot of a register. */
function viewAt(run: Run, key: string): Map<string, string> {
  return new Map(run.replica.versions(register(key)).map((version) => [dotText(version.dot), storedText(version)]))
}

function putOnce(users: Users, run: Run, retryKey: string, key: string, value: string): Promise<void> {
  expectPut(run)
  const retry = { key: retryKey, requestHash: Buffer.from(value.padEnd(32)) }
  return users.once(run, retryKey, value, () => run.registers.put(key, Buffer.from(value), { retry }))
}

/** The clocks are read when the write runs: the machine may have slept since it was asked for. */
function expectPut(run: Run): void {
  run.expected = (versions) => inViewOfPut(versions, run.clocks())
}

function expectToken(run: Run, token: Token): void {
  run.named = token
  run.expected = (versions) => {
    const dots = expired(versions, run.clocks().expiredByMs).filter((dot) => !includesDot(token.dots, dot))
    return [...token.dots, ...dots]
  }
}
