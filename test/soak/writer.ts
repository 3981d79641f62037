/** Writers of a soak: each sends its writes when they are due, one after another over one kept connection. */
import { setTimeout as pause } from 'node:timers/promises'
import { anyRequest, type RawClient } from '../bench/support/load.js'
import type { SoakWrite, Work } from './work.js'

/** Latencies and counts since they were last taken. */
export class Window {
  #latenciesMs: number[] = []

  /** Notes one answered write. */
  add(latencyMs: number): void {
    this.#latenciesMs.push(latencyMs)
  }

  /** Takes what was noted, and begins again. */
  take(): readonly number[] {
    const taken = this.#latenciesMs
    this.#latenciesMs = []
    return taken
  }
}

/** One writer. */
export class Writer {
  readonly #client: RawClient
  readonly #work: Work
  readonly #window: Window

  constructor(client: RawClient, work: Work, window: Window) {
    this.#client = client
    this.#work = work
    this.#window = window
  }

  /**
   * Writes at an interval until a time. A latency counts from when the write was due, so that a node which falls behind
   * shows it.
   */
  async run(firstMs: number, untilMs: number, intervalMs: number): Promise<void> {
    for (let dueMs = firstMs; dueMs < untilMs; dueMs += intervalMs) {
      const early = dueMs - performance.now()
      if (early > 0) await pause(early)
      await this.#send(this.#work.next())
      this.#window.add(performance.now() - dueMs)
    }
  }

  /** Writes so many values in batches, as fast as it goes. */
  async fill(writes: number, batch: number): Promise<void> {
    for (let left = writes; left > 0; left -= batch) await this.#send(this.#work.batch(Math.min(batch, left)))
  }

  /** Closes the connection. */
  close(): void {
    this.#client.close()
  }

  async #send(write: SoakWrite): Promise<void> {
    await request(this.#client, write)
    write.acknowledge()
  }
}

/** Sends one write. Throws when it is not acknowledged. */
export async function request(client: RawClient, write: Omit<SoakWrite, 'acknowledge'>): Promise<void> {
  const { method, path, body } = write
  const type = method === 'POST' ? 'application/json' : 'application/octet-stream'
  const { status, body: answer } = await client.send(anyRequest(method, path, body, type))
  if (status >= 300) throw new Error(`${method} ${path} was answered with ${status}: ${answer}`)
}
