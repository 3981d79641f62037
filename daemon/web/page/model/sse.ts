/** Parser of server-sent events: text in any pieces goes in, whole events come out. */

/** Characters that one event may have; a longer one is dropped. */
export const eventCharactersMax = 4 * 1024 * 1024

/** One event of a stream. */
export interface StreamEvent {
  readonly name: string
  readonly data: string
}

/** Collects pieces of a stream. */
export class EventParser {
  #rest = ''
  #name = ''
  #data: string[] = []
  #characters = 0

  /** Takes the next piece and returns the events that it completes. */
  take(piece: string): StreamEvent[] {
    const lines = (this.#rest + piece).split('\n')
    this.#rest = lines.pop()!
    if (this.#rest.length > eventCharactersMax) this.#rest = ''
    return lines.flatMap((line) => this.#line(line.endsWith('\r') ? line.slice(0, -1) : line))
  }

  #line(line: string): StreamEvent[] {
    if (line === '') return this.#finish()
    const [, field = '', value = ''] = /^([^:]*)(?:: ?(.*))?$/s.exec(line)!
    if (field === 'event') this.#name = value
    if (field === 'data') this.#add(value)
    return []
  }

  #add(value: string): void {
    this.#characters += value.length
    if (this.#characters <= eventCharactersMax) this.#data.push(value)
  }

  #finish(): StreamEvent[] {
    const isWhole = this.#data.length > 0 && this.#characters <= eventCharactersMax
    const event = { name: this.#name || 'message', data: this.#data.join('\n') }
    this.#name = ''
    this.#data = []
    this.#characters = 0
    return isWhole ? [event] : []
  }
}

/** Milliseconds to wait before the n-th attempt to connect again, from 0: soon at first, every ten seconds at last. */
export function reconnectMs(attempt: number): number {
  return Math.min(500 * 2 ** attempt, 10_000)
}
