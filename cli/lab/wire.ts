/**
 * One direction of a link that may be slow: the times at which bytes arrive, and carrying them from one socket to
 * another.
 */
import type { Socket } from 'node:net'
import { bytesOnTheWayMax } from './limits.js'
import type { Slowness } from './links.js'

/** Bytes of one packet on the way. */
const packetBytes = 1_448
/**
 * Shortest wait of a sender before it sends a lost packet again, in milliseconds (RFC 6298 asks for a second; Linux
 * does this).
 */
const resendMsMin = 200
/** Times that one packet is sent again at most. */
const resendsMax = 6

/** Dependencies of a wire. */
export interface WireOptions {
  /** The slowness at this moment. */
  slowness(): Slowness
  /** Random number from 0 to below 1. */
  random(): number
  nowMs(): number
}

/**
 * Decides when bytes arrive: they leave one after the other at the rate of the link, and none arrives before those sent
 * earlier.
 */
export class Wire {
  readonly #options: WireOptions
  #freeMs = 0
  #lastMs = 0

  constructor(options: WireOptions) {
    this.#options = options
  }

  /** Time at which bytes that are sent now arrive, on the clock of `nowMs`. */
  arrivalMs(bytes: number): number {
    const { delayMs = 0, lossPercent = 0, bytesPerSecond } = this.#options.slowness()
    const leavingMs = bytesPerSecond === undefined ? 0 : (bytes / bytesPerSecond) * 1000
    this.#freeMs = Math.max(this.#freeMs, this.#options.nowMs()) + leavingMs
    const arrivalMs = this.#freeMs + delayMs + this.#resendMs(bytes, delayMs, lossPercent)
    this.#lastMs = Math.max(this.#lastMs, arrivalMs)
    return this.#lastMs
  }

  /**
   * Time that lost packets cost: the sender waits for an acknowledgement in vain, twice as long at each further loss.
   */
  #resendMs(bytes: number, delayMs: number, lossPercent: number): number {
    if (lossPercent === 0) return 0
    const isLost = 1 - (1 - lossPercent / 100) ** Math.ceil(bytes / packetBytes)
    const firstMs = Math.max(resendMsMin, 2 * delayMs)
    let totalMs = 0
    for (let times = 0; times < resendsMax && this.#options.random() < isLost; times++) totalMs += firstMs * 2 ** times
    return totalMs
  }
}

interface Waiting {
  readonly atMs: number
  /** Undefined: the end of the direction. */
  readonly bytes: Buffer | undefined
}

/** Carries what one socket receives to another, in order, each piece when it is due; a full way holds the sender up. */
export function carry(from: Socket, to: Socket, wire: Wire): void {
  const waiting: Waiting[] = []
  let onTheWay = 0
  let timer: NodeJS.Timeout | undefined
  const isFull = () => onTheWay > bytesOnTheWayMax || to.writableNeedDrain
  const deliver = () => {
    timer = undefined
    while (waiting[0] !== undefined && waiting[0].atMs <= performance.now()) {
      const { bytes } = waiting.shift()!
      if (bytes === undefined) to.end()
      else if (to.writable) to.write(bytes)
      onTheWay -= bytes?.length ?? 0
    }
    if (!isFull()) from.resume()
    wait()
  }
  const wait = () => {
    if (timer !== undefined || waiting[0] === undefined) return
    const leftMs = waiting[0].atMs - performance.now()
    if (leftMs <= 0) deliver()
    else timer = setTimeout(deliver, leftMs)
  }
  const send = (bytes: Buffer | undefined) => {
    waiting.push({ atMs: wire.arrivalMs(bytes?.length ?? 0), bytes })
    onTheWay += bytes?.length ?? 0
    if (isFull()) from.pause()
    wait()
  }
  from.on('data', send)
  from.on('end', () => send(undefined))
  to.on('drain', () => {
    if (!isFull()) from.resume()
  })
  to.on('close', () => clearTimeout(timer))
}
