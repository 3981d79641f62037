/**
 * Documents worked on in a thread of their own: near the limits one takes seconds, in which the daemon has to go on
 * hearing its peers. The thread is made when the first document is met. What a call kills takes no other call with it.
 */
import { Worker } from 'node:worker_threads'
import type { DocumentView } from '../../store/documents/document.js'
import type { DocumentEngine, EditRequest, EditResult } from '../../store/documents/engine.js'
import type { Environment, Timer } from '../../store/environment.js'
import { HearsayError } from '../../store/errors.js'
import { systemFailure } from '../../store/system-errors.js'
import {
  documentBytesWaitingMax,
  documentCallMs,
  documentCallsWaitingMax,
  documentHeapMiB,
  documentIdleMs,
  documentYoungHeapMiB,
} from './limits.js'
import type { DocumentAnswer, DocumentCall, DocumentQuestion, Refusal } from './messages.js'

/** Maker of the thread. */
export interface DocumentThreadOptions {
  readonly environment: Pick<Environment, 'setTimer'>
  /** The program of the thread; another one only in tests, which run from sources. */
  readonly program?: URL
}

interface Waiting {
  readonly question: DocumentQuestion
  readonly bytes: number
  resolve(result: unknown): void
  reject(error: Error): void
}

/** A thread that works on documents. */
export class DocumentThread implements DocumentEngine {
  readonly #environment: Pick<Environment, 'setTimer'>
  readonly #program: URL
  #worker: Worker | undefined
  /** Calls in order; the thread works on the first one. */
  readonly #waiting: Waiting[] = []
  #bytesWaiting = 0
  #timer: Timer | undefined
  /** Set while no call waits. */
  #idle: Timer | undefined
  #calls = 0
  #isStopped = false

  constructor({ environment, program = new URL('./document-worker.js', import.meta.url) }: DocumentThreadOptions) {
    this.#environment = environment
    this.#program = program
  }

  show(versions: readonly Uint8Array[]): Promise<DocumentView> {
    return this.#call({ name: 'show', versions: versions.map(copyOf) })
  }

  holds(versions: readonly Uint8Array[], other: Uint8Array): Promise<boolean | undefined> {
    return this.#call({ name: 'holds', versions: versions.map(copyOf), other: copyOf(other) })
  }

  edit(request: EditRequest): Promise<EditResult> {
    const { versions, actor } = request
    const copied = { ...request, versions: versions.map(copyOf), actor: copyOf(actor) }
    return this.#call({ name: 'edit', request: copied })
  }

  /** Ends the thread; what it was at fails. */
  stop(): void {
    this.#isStopped = true
    this.#endWorker()
    for (const waiting of this.#waiting.splice(0)) waiting.reject(stopping())
  }

  async #call<T>(call: DocumentCall): Promise<T> {
    if (this.#isStopped) throw stopping()
    const bytes = bytesOf(call)
    const isFull = this.#waiting.length >= documentCallsWaitingMax
    if (isFull || (this.#waiting.length > 0 && this.#bytesWaiting + bytes > documentBytesWaitingMax)) {
      throw new HearsayError('TOO_BUSY', 'too many documents are waiting; nothing was stored; try again later')
    }
    return await new Promise<T>((resolve, reject) => {
      const question = { id: ++this.#calls, call }
      const waiting = { question, bytes, resolve: resolve as (result: unknown) => void, reject }
      this.#stopIdle()
      this.#waiting.push(waiting)
      this.#bytesWaiting += bytes
      this.#ask(waiting)
    })
  }

  #ask(waiting: Waiting): void {
    try {
      this.#worker ??= this.#newWorker()
      this.#worker.postMessage(waiting.question)
      this.#watchFirst()
    } catch (error) {
      this.#remove(waiting)
      const message = `no thread for documents can be started: ${error instanceof Error ? error.message : error}`
      waiting.reject(systemFailure(error) ?? new HearsayError('INTERNAL', message, {}, { cause: error }))
    }
  }

  #newWorker(): Worker {
    const worker = new Worker(this.#program, {
      // Neither secrets nor flags of the daemon; what a library prints is dropped, because stdout is the daemon's.
      env: {},
      argv: [],
      execArgv: [],
      stdout: true,
      stderr: true,
      resourceLimits: { maxOldGenerationSizeMb: documentHeapMiB, maxYoungGenerationSizeMb: documentYoungHeapMiB },
    })
    worker.unref()
    worker.stdout.resume()
    worker.stderr.resume()
    worker.on('message', (answer: DocumentAnswer) => {
      if (this.#worker === worker) this.#answered(answer)
    })
    const ended = (why: string, cause?: unknown) => {
      if (this.#worker !== worker) return
      const message = `the thread for documents ended: ${why}; nothing was stored`
      this.#firstFailed(systemFailure(cause) ?? outOfMemory(cause) ?? new HearsayError('INTERNAL', message))
    }
    worker.on('error', (error) => ended(error instanceof Error ? error.message : String(error), error))
    worker.on('exit', (code) => ended(`exit code ${code}`))
    return worker
  }

  #answered(answer: DocumentAnswer): void {
    const [first] = this.#waiting
    if (first?.question.id !== answer.id) return
    this.#remove(first)
    if ('result' in answer) first.resolve(answer.result)
    else if (answer.isSpent) this.#replaceAfter(first, errorOf(answer.refusal))
    else first.reject(errorOf(answer.refusal))
    this.#watchFirst()
  }

  /** Whatever is first has so much time. */
  #watchFirst(): void {
    const [first] = this.#waiting
    if (first === undefined || this.#timer !== undefined) return
    this.#timer = this.#environment.setTimer(documentCallMs, () => {
      const message = `the document took longer than ${documentCallMs / 1000} s; nothing was stored; split it over several keys`
      this.#firstFailed(new HearsayError('TIMED_OUT', message))
    })
  }

  /** The thread is lost with what it was at; the others are asked of a new one. */
  #firstFailed(error: HearsayError): void {
    const [first] = this.#waiting
    if (first !== undefined) this.#remove(first)
    this.#replaceAfter(first, error)
  }

  /** A call, which waits no more, has spoilt the thread: the others are asked of a new one. */
  #replaceAfter(failed: Waiting | undefined, error: Error): void {
    this.#endWorker()
    failed?.reject(error)
    for (const waiting of [...this.#waiting]) this.#ask(waiting)
  }

  #remove(waiting: Waiting): void {
    const at = this.#waiting.indexOf(waiting)
    if (at === -1) return
    if (at === 0) this.#stopTimer()
    this.#waiting.splice(at, 1)
    this.#bytesWaiting -= waiting.bytes
    const isIdle = this.#waiting.length === 0 && this.#worker !== undefined
    if (isIdle) this.#idle = this.#environment.setTimer(documentIdleMs, () => this.#endWorker())
  }

  #endWorker(): void {
    const worker = this.#worker
    this.#worker = undefined
    this.#stopTimer()
    this.#stopIdle()
    void worker?.terminate()
  }

  #stopIdle(): void {
    this.#idle?.cancel()
    this.#idle = undefined
  }

  #stopTimer(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }
}

/** A copy: a view would carry along whatever else its memory holds. */
function copyOf(bytes: Uint8Array): Uint8Array {
  return Uint8Array.from(bytes)
}

function bytesOf(call: DocumentCall): number {
  const { versions } = call.name === 'edit' ? call.request : call
  return versions.reduce((sum, { length }) => sum + length, 0)
}

function errorOf({ code, message, details }: Refusal): Error {
  return code === undefined
    ? new Error(`in the thread for documents: ${message}`)
    : new HearsayError(code, message, details)
}

/** Want of memory in the heap of the thread; undefined for any other end of it. */
function outOfMemory(cause: unknown): HearsayError | undefined {
  if ((cause as { code?: unknown } | undefined)?.code !== 'ERR_WORKER_OUT_OF_MEMORY') return undefined
  const message = `the document takes more than ${documentHeapMiB} MiB of memory; nothing was stored. Split it over several keys`
  return new HearsayError('TOO_LARGE', message)
}

function stopping(): HearsayError {
  return new HearsayError('STORE_FAILED', 'the store is closing; nothing was stored; try again after the restart')
}
