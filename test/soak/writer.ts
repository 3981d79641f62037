/** Writers of a soak: each sends its writes when they are due, one after another over a connection of its own. */
import { setTimeout as pause } from 'node:timers/promises'
import type { SoakConnection } from './connection.js'
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
  readonly #connection: SoakConnection
  readonly #work: Work
  readonly #window: Window

  constructor(connection: SoakConnection, work: Work, window: Window) {
    this.#connection = connection
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
    this.#connection.close()
  }

  async #send(write: SoakWrite): Promise<void> {
    await this.#connection.write(write)
    write.acknowledge()
  }
}
