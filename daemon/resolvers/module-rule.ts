/**
 * An application's own resolver: computed in a thread, remembered here, and siblings wherever it gives no value in
 * time.
 */
import type { Environment } from '../../store/environment.js'
import type { HybridTime } from '../../store/model/clock.js'
import type { Sibling } from '../../store/model/register.js'
import type { Outcome } from '../../store/model/resolver.js'
import type { Log } from '../log/log.js'
import {
  callsWaitingMax,
  failuresInRowMax,
  moduleCallMs,
  moduleInputBytesMax,
  moduleRestMs,
  moduleVersionsMax,
  readWaitMs,
  retryBusyMs,
  retryFailedMs,
} from './limits.js'
import { checkModule } from './module-check.js'
import { ModuleHost } from './module-host.js'
import type { SentVersion } from './module-messages.js'
import type { CallResult } from './module-thread.js'
import type { Result, ResultCache } from './result-cache.js'
import type { Rule } from './rule.js'

/** Options of a module's rule. */
export interface ModuleRuleOptions {
  /** Its name in messages: its path. */
  readonly name: string
  /** The module's own text; or why it could not be read. */
  readonly source: string | { readonly reason: string }
  readonly environment: Environment
  readonly cache: ResultCache
  readonly log: Log
  /** The program of the thread; another one only in tests, which run from sources. */
  readonly program?: URL
}

/**
 * The rule of one module. It is loaded and checked in the background; until that has passed, reads wait a little, then
 * show siblings.
 */
export class ModuleRule implements Rule {
  readonly #options: ModuleRuleOptions
  readonly #host: ModuleHost | undefined
  /** Resolves once the module has been checked. */
  readonly checked: Promise<void>
  readonly #computing = new Map<string, Promise<void>>()
  #state: 'loading' | 'serving' | 'refused' | 'stopped' = 'loading'
  #refusal = ''
  /** Why the check saw no value at all; empty when it saw one. */
  #unproven = ''
  #failures = 0
  #failuresInRow = 0
  #lastFailure = ''
  #restsUntilMs = 0

  constructor(options: ModuleRuleOptions) {
    const { source, environment, program } = options
    this.#options = options
    if (typeof source === 'string') {
      this.#host = new ModuleHost({ source, environment, ...(program === undefined ? {} : { program }) })
      this.checked = this.#load(this.#host)
    } else {
      this.checked = Promise.resolve()
      this.#refuse(source.reason)
    }
  }

  outcome(groups: readonly Sibling[]): Outcome {
    if (this.#state === 'refused' || this.#state === 'stopped' || isTooMuch(groups)) return 'siblings'
    const nowMs = this.#nowMs()
    const known = this.#options.cache.get(this.#keyOf(groups), nowMs)
    return known ?? (nowMs < this.#restsUntilMs ? 'siblings' : 'pending')
  }

  async prepare(groups: readonly Sibling[]): Promise<void> {
    if (this.outcome(groups) !== 'pending') return
    const key = this.#keyOf(groups)
    await this.#within(readWaitMs, this.#compute(key, groups))
    if (this.outcome(groups) !== 'pending') return
    this.#options.cache.set(key, 'siblings', this.#nowMs() + retryBusyMs)
  }

  /** Warnings for the operator. */
  warnings(): string[] {
    const { name } = this.#options
    if (this.#state === 'refused') {
      return [
        `the resolver ${name} is not used, because ${this.#refusal}; its conflicts stay siblings until it is fixed and the daemon is restarted`,
      ]
    }
    const unproven = `the resolver ${name} could not be checked, because it gave no value for any generated version (${this.#unproven}); let it export 'examples', a list of values that it merges`
    const times = this.#failures === 1 ? 'once' : `${this.#failures} times`
    const failed = `the resolver ${name} failed ${times} since the start, last because ${this.#lastFailure}; the conflicts in question are shown as siblings`
    return [...(this.#unproven === '' ? [] : [unproven]), ...(this.#failures > 0 ? [failed] : [])]
  }

  /** Ends the thread; conflicts are siblings from then on. */
  stop(): void {
    this.#state = 'stopped'
    this.#host?.stop()
  }

  async #load(host: ModuleHost): Promise<void> {
    const { name, environment, log } = this.#options
    const loaded = await host.load()
    const verdict = 'reason' in loaded ? loaded : await checkModule(host, loaded.examples, environment)
    if (this.#state === 'stopped') return
    if ('reason' in verdict) return this.#refuse(verdict.reason)
    this.#state = 'serving'
    this.#unproven = verdict.values === 0 ? verdict.failure : ''
    for (const warning of this.warnings()) log.warn({ event: 'resolver' }, warning)
    log.debug({ resolver: name, ...verdict }, 'a resolver has been checked')
  }

  #refuse(reason: string): void {
    this.#state = 'refused'
    this.#refusal = reason
    this.#host?.stop()
    for (const warning of this.warnings()) this.#options.log.error({ event: 'resolverRefused' }, warning)
  }

  /** One computation for all who ask for the same versions. */
  #compute(key: string, groups: readonly Sibling[]): Promise<void> {
    const running = this.#computing.get(key)
    if (running !== undefined) return running
    if (this.#computing.size >= callsWaitingMax) return Promise.resolve()
    const computing = this.#computeNow(key, groups).finally(() => this.#computing.delete(key))
    this.#computing.set(key, computing)
    return computing
  }

  async #computeNow(key: string, groups: readonly Sibling[]): Promise<void> {
    await this.checked
    if (this.#state !== 'serving') return
    const result = await this.#host!.call(inputOf(groups), moduleCallMs, () => this.#nowMs() >= this.#restsUntilMs)
    if (this.#state !== 'serving' || result === undefined) return
    const { cache } = this.#options
    if ('value' in result) {
      this.#failuresInRow = 0
      cache.set(key, result)
    } else if (result.isCertain) {
      cache.set(key, this.#failed(result))
    } else {
      cache.set(key, this.#failed(result), this.#nowMs() + retryFailedMs)
      if (++this.#failuresInRow >= failuresInRowMax) this.#restsUntilMs = this.#nowMs() + moduleRestMs
    }
  }

  /** Called once per warning; `status` goes on showing it. */
  #failed({ reason }: Exclude<CallResult, { value: Uint8Array }>): Result {
    const isFirst = this.#failures++ === 0
    this.#lastFailure = reason
    if (isFirst) for (const warning of this.warnings()) this.#options.log.warn({ event: 'resolver' }, warning)
    return 'siblings'
  }

  #within(limitMs: number, work: Promise<void>): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.#options.environment.setTimer(limitMs, resolve)
      void work.then(() => {
        timer.cancel()
        resolve()
      })
    })
  }

  #keyOf(groups: readonly Sibling[]): string {
    const parts = inOrder(groups).map(({ version }) => {
      return `${version.time.ms} ${Buffer.from(version.valueHash).toString('latin1')}`
    })
    return `${this.#options.name} ${parts.join('')}`
  }

  #nowMs(): number {
    return this.#options.environment.monotonicMs()
  }
}

function isTooMuch(groups: readonly Sibling[]): boolean {
  if (groups.length > moduleVersionsMax) return true
  return groups.reduce((sum, { version }) => sum + version.value.length, 0) > moduleInputBytesMax
}

/** The same on every node, whatever its clock: latest first, then by the hash of the value. */
function inOrder(groups: readonly Sibling[]): Sibling[] {
  const ms = ({ version }: { version: { time: HybridTime } }) => version.time.ms
  return [...groups].sort((a, b) => ms(b) - ms(a) || Buffer.compare(a.version.valueHash, b.version.valueHash))
}

function inputOf(groups: readonly Sibling[]): SentVersion[] {
  return inOrder(groups).map(({ version }) => ({ value: version.value, time: version.time.ms }))
}
