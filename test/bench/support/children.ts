/** Processes that a benchmark starts beside real daemons: they are asked by messages, and end with it. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

/** Where the built programs are. */
export const benchFolder = fileURLToPath(new URL('../../../node_modules/.cache/hearsay-bench', import.meta.url))

interface Answer {
  readonly id: number
  readonly value?: unknown
  readonly error?: string
}

/** A process that answers. */
export class Child {
  readonly #process: ChildProcess
  readonly #asked = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>()
  #id = 0

  /** Starts `children/NAME.ts`. */
  constructor(name: string, args: readonly string[] = []) {
    this.#process = fork(childPath(name), [...args], { execArgv: ['--expose-gc'], stdio: ['ignore', 2, 2, 'ipc'] })
    this.#process.on('message', ({ id, value, error }: Answer) => {
      const asked = this.#asked.get(id)
      this.#asked.delete(id)
      if (error === undefined) asked?.resolve(value)
      else asked?.reject(new Error(error))
    })
    this.#process.on('close', (code) => {
      for (const { reject } of this.#asked.values()) reject(new Error(`the process '${name}' ended with ${code}`))
    })
  }

  /** Has one of its tasks done; resolves with what it returns. */
  ask<T = unknown>(task: string, ...args: readonly unknown[]): Promise<T> {
    const id = ++this.#id
    return new Promise<T>((resolve, reject) => {
      this.#asked.set(id, { resolve: resolve as (value: unknown) => void, reject })
      this.#process.send({ id, task, args })
    })
  }

  /** Ends the process. */
  async stop(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return
    const closed = once(this.#process, 'close')
    this.#process.kill('SIGKILL')
    await closed
  }
}

/** The file of a built child. */
export function childPath(name: string): string {
  return `${benchFolder}/children/${name}.mjs`
}

/** The other side of `Child`: answers its tasks until it is ended. */
// biome-ignore lint/suspicious/noExplicitAny: each task knows its own arguments.
export function serveTasks(tasks: Readonly<Record<string, (...args: any[]) => unknown>>): void {
  process.on('message', async ({ id, task, args }: { id: number; task: string; args: unknown[] }) => {
    try {
      process.send!({ id, value: await tasks[task]!(...args) })
    } catch (error) {
      process.send!({ id, error: String((error as Error).stack) })
    }
  })
  process.on('disconnect', () => process.exit(0))
}
