/**
 * Keeps a thread for an application's module: calls wait for one another, and a thread that ended is replaced at the
 * next call.
 */
import type { SentVersion } from './module-messages.js'
import { type CallResult, ModuleThread, type ThreadOptions } from './module-thread.js'

/** One module's thread, over time. */
export class ModuleHost {
  readonly #options: ThreadOptions
  #thread: ModuleThread | undefined
  #last: Promise<unknown> = Promise.resolve()
  #isStopped = false

  constructor(options: ThreadOptions) {
    this.#options = options
  }

  /** Loads the module; resolves with its examples, or with the reason why it cannot be loaded. Never rejects. */
  load(): Promise<{ readonly examples: readonly Uint8Array[] } | { readonly reason: string }> {
    return this.#inTurn(async () => {
      const thread = await this.#ready()
      return thread instanceof ModuleThread ? { examples: thread.examples } : thread
    })
  }

  /** Calls the module after the calls before, unless it is no longer wanted by then (undefined). Never rejects. */
  call(versions: readonly SentVersion[], limitMs: number): Promise<CallResult>
  call(versions: readonly SentVersion[], limitMs: number, isWanted: () => boolean): Promise<CallResult | undefined>
  call(versions: readonly SentVersion[], limitMs: number, isWanted = () => true): Promise<CallResult | undefined> {
    return this.#inTurn(async () => {
      if (!isWanted()) return undefined
      const thread = await this.#ready()
      return thread instanceof ModuleThread ? thread.call(versions, limitMs) : { ...thread, isCertain: false }
    })
  }

  /** The next call finds a module that remembers nothing. */
  forget(): void {
    this.#thread?.end()
    this.#thread = undefined
  }

  /** Ends the thread; calls that wait fail. */
  stop(): void {
    this.#isStopped = true
    this.forget()
  }

  async #ready(): Promise<ModuleThread | { readonly reason: string }> {
    if (this.#isStopped) return { reason: 'the daemon stops' }
    if (this.#thread?.hasEnded === false) return this.#thread
    const thread = await ModuleThread.start(this.#options)
    if (!(thread instanceof ModuleThread)) return thread
    if (this.#isStopped) thread.end()
    this.#thread = thread
    return thread
  }

  #inTurn<T>(act: () => Promise<T>): Promise<T> {
    const result = this.#last.then(act)
    this.#last = result.catch(() => {})
    return result
  }
}
