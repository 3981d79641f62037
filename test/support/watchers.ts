/**
 * Readers of the change feed in a test's hands: slow, cut in the middle of what they were sent, and coming back with
 * their cursor.
 */
import { Writable } from 'node:stream'
import type { Watch, WatchHub } from '../../daemon/watch/hub.js'
import type { PumpEnd } from '../../daemon/watch/pump.js'

/** An event as it was received. */
export interface ReceivedEvent {
  readonly cursor: string
  /** Its position, as the cursor tells it. */
  readonly sequence: number
  readonly data: Record<string, unknown>
}

/** Lets everything that is ready run. */
export async function settleTasks(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve))
}

/** Splits what was sent into frames. */
export function framesOf(text: string): string[] {
  return text.split('\n\n').filter((frame) => frame !== '')
}

/** One reader. Nothing goes on unless `take` is called. */
export class Watcher {
  readonly received: ReceivedEvent[] = []
  /** The position of the last frame that was taken, with an event or without. */
  cursor: string | undefined
  comments = 0
  /** Times that the end of what there was at the start was told. */
  initialEnds = 0
  /** Outcome of the last connection; an error when sending failed. */
  end: Promise<PumpEnd | Error> = Promise.resolve('gone')
  readonly prefix: string
  readonly initial: boolean
  #watch: Watch | undefined
  #gone = new AbortController()
  #to: Writable | undefined
  #pending: { readonly chunk: Buffer; readonly done: () => void } | undefined

  constructor(prefix = '', since?: string, initial = false) {
    this.prefix = prefix
    this.initial = initial
    this.cursor = since
  }

  /** True if something waits to be taken. */
  get hasPending(): boolean {
    return this.#pending !== undefined
  }

  /** Bytes that wait to be taken. */
  get pendingBytes(): number {
    return (this.#pending?.chunk.length ?? 0) + (this.#to?.writableLength ?? 0)
  }

  /** Connects, at the last cursor. Throws what `open` throws. */
  async open(hub: WatchHub): Promise<void> {
    this.#gone = new AbortController()
    const watch = await hub.open({
      since: this.cursor,
      initial: this.initial,
      prefix: this.prefix,
      signal: this.#gone.signal,
    })
    this.#watch = watch
    const to = new Writable({
      highWaterMark: 1,
      write: (chunk: Buffer, _encoding, done) => {
        this.#pending = { chunk, done }
      },
    })
    this.#to = to
    this.end = watch
      .send(to)
      .catch((error: Error) => error)
      .finally(() => watch.close())
  }

  /** Takes what waits, all of it or so many frames. Returns whether there was anything. */
  async take(framesMax = Number.POSITIVE_INFINITY): Promise<boolean> {
    await settleTasks()
    const pending = this.#pending
    if (pending === undefined) return false
    this.#pending = undefined
    for (const frame of framesOf(pending.chunk.toString()).slice(0, framesMax)) this.#receive(frame)
    pending.done()
    return true
  }

  /** Takes everything that comes without waiting for time to pass. */
  async takeAll(): Promise<void> {
    while (await this.take()) {}
  }

  /** The connection breaks; what waits is lost, but for so many frames. */
  async cut(frames = 0): Promise<void> {
    await settleTasks()
    const text = this.#pending?.chunk.toString() ?? ''
    for (const frame of framesOf(text).slice(0, frames)) this.#receive(frame)
    this.#pending = undefined
    this.#gone.abort()
    this.#to?.destroy()
    await this.end
    this.#watch?.close()
  }

  #receive(frame: string): void {
    const lines = frame.split('\n')
    const cursor = lines.find((line) => line.startsWith('id: '))?.slice('id: '.length)
    if (cursor === undefined) throw new Error(`a frame without a cursor: ${frame}`)
    this.cursor = cursor
    const data = lines.find((line) => line.startsWith('data: '))?.slice('data: '.length)
    if (lines[0]!.startsWith(':')) this.comments++
    if (lines.includes('event: initial-end')) this.initialEnds++
    else if (data !== undefined) this.#receiveEvent(cursor, data)
  }

  #receiveEvent(cursor: string, data: string): void {
    this.received.push({ cursor, sequence: Number(cursor.split('.')[1]), data: JSON.parse(data) })
  }
}
