/** One thread that has loaded an application's module: asked one thing at a time, ended when it is late. */
import { Worker } from 'node:worker_threads'
import type { Environment } from '../../store/environment.js'
import {
  exampleBytesMax,
  examplesMax,
  moduleHeapMiB,
  moduleResultBytesMax,
  moduleStackMiB,
  moduleStartMs,
  moduleYoungHeapMiB,
  reasonCharactersMax,
} from './limits.js'
import type { ModuleAnswer, ModuleLoaded, ModuleQuestion, SentVersion, ThreadData } from './module-messages.js'

/**
 * Outcome of a call. A failure is `certain` when the same versions would fail again: the module threw, or returned an
 * unusable value.
 */
export type CallResult = { readonly value: Uint8Array } | { readonly reason: string; readonly isCertain: boolean }

/** Maker of threads. */
export interface ThreadOptions {
  /** The module's own text. */
  readonly source: string
  readonly environment: Pick<Environment, 'setTimer'>
  /** The program of the thread; another one only in tests, which run from sources. */
  readonly program?: URL
}

/** A thread that is ready. */
export class ModuleThread {
  readonly #worker: Worker
  readonly #environment: ThreadOptions['environment']
  #settle: ((message: unknown, ended?: string) => void) | undefined
  #hasEnded = false
  #questions = 0
  #examples: readonly Uint8Array[] = []

  private constructor({
    source,
    environment,
    program = new URL('./module-worker.js', import.meta.url),
  }: ThreadOptions) {
    const workerData: ThreadData = {
      source,
      exampleBytesMax,
      examplesMax,
      reasonCharactersMax,
      resultBytesMax: moduleResultBytesMax,
    }
    this.#environment = environment
    this.#worker = new Worker(program, {
      workerData,
      // Neither secrets nor flags of the daemon; what the module prints is dropped, because stdout is the daemon's.
      env: {},
      argv: [],
      execArgv: [],
      stdout: true,
      stderr: true,
      resourceLimits: {
        maxOldGenerationSizeMb: moduleHeapMiB,
        maxYoungGenerationSizeMb: moduleYoungHeapMiB,
        stackSizeMb: moduleStackMiB,
      },
    })
    this.#worker.unref()
    this.#worker.stdout.resume()
    this.#worker.stderr.resume()
    this.#worker.on('message', (message: unknown) => this.#settle?.(message))
    this.#worker.on('error', (error) =>
      this.#ended(`its thread ended: ${error instanceof Error ? error.message : error}`),
    )
    this.#worker.on('exit', () => this.#ended('its thread ended'))
  }

  /** A thread that has loaded the module; or why there is none. Never rejects. */
  static async start(options: ThreadOptions): Promise<ModuleThread | { readonly reason: string }> {
    const thread = ModuleThread.#make(options)
    if ('reason' in thread) return thread
    const told = await thread.#wait<ModuleLoaded>(moduleStartMs, isLoaded)
    if ('examples' in told) {
      thread.#examples = told.examples
      return thread
    }
    thread.end()
    return { reason: told.reason }
  }

  static #make(options: ThreadOptions): ModuleThread | { readonly reason: string } {
    try {
      return new ModuleThread(options)
    } catch (error) {
      return { reason: `no thread can be started for it: ${error instanceof Error ? error.message : error}` }
    }
  }

  /** Values that the module says it understands. */
  get examples(): readonly Uint8Array[] {
    return this.#examples
  }

  /** True if the thread is no more. */
  get hasEnded(): boolean {
    return this.#hasEnded
  }

  /** Calls the module; one call at a time. Ends the thread when it takes longer than `limitMs`. Never rejects. */
  async call(versions: readonly SentVersion[], limitMs: number): Promise<CallResult> {
    const id = ++this.#questions
    // Copies: a view would carry along whatever else its memory holds.
    const question: ModuleQuestion = {
      id,
      versions: versions.map(({ value, time }) => ({ value: Uint8Array.from(value), time })),
    }
    const answered = this.#wait<ModuleAnswer>(limitMs, (message): message is ModuleAnswer => isAnswer(message, id))
    this.#worker.postMessage(question)
    const answer = await answered
    if ('value' in answer) return { value: answer.value }
    return { reason: answer.reason, isCertain: 'id' in answer }
  }

  /** Ends the thread, whatever it does. */
  end(): void {
    this.#hasEnded = true
    void this.#worker.terminate()
    this.#settle?.(undefined, 'its thread was ended')
  }

  /** The next message that is the one waited for; or the reason why none will come. */
  #wait<T>(limitMs: number, isAwaited: (message: unknown) => message is T): Promise<T | { reason: string }> {
    return new Promise((resolve) => {
      const timer = this.#environment.setTimer(limitMs, () => {
        this.#settle?.(undefined, `it took longer than ${limitMs} ms`)
        this.end()
      })
      this.#settle = (message, ended) => {
        const isThere = isAwaited(message)
        if (ended === undefined && !isThere) return
        this.#settle = undefined
        timer.cancel()
        resolve(isThere ? message : { reason: ended! })
      }
      if (this.#hasEnded) this.#settle(undefined, 'its thread ended')
    })
  }

  #ended(reason: string): void {
    this.#hasEnded = true
    this.#settle?.(undefined, reason)
  }
}

/** The module shares its thread's only port with the program around it, so messages are looked at. */
function isLoaded(message: unknown): message is ModuleLoaded {
  const { examples, reason } = fieldsOf(message)
  return Array.isArray(examples) ? examples.every((one) => one instanceof Uint8Array) : typeof reason === 'string'
}

function isAnswer(message: unknown, id: number): message is ModuleAnswer {
  const { id: answered, value, reason } = fieldsOf(message)
  if (answered !== id) return false
  return value instanceof Uint8Array ? value.length <= moduleResultBytesMax : typeof reason === 'string'
}

function fieldsOf(message: unknown): Record<string, unknown> {
  return typeof message === 'object' && message !== null ? (message as Record<string, unknown>) : {}
}
