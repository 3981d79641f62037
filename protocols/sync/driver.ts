/** Drives one session over one channel: the only place of the protocol where streams, time and the replica meet. */
import type { Environment } from '../../store/environment.js'
import { DecodeError } from '../../store/model/bytes.js'
import type { ApplyOutcome, Capture, SyncReplica } from '../../store/replica/types.js'
import { isLaterMessage } from '../later.js'
import type { Channel } from '../network.js'
import { decodeMessage, encodeMessage, lastMessageCode, UnknownVersion } from './codec.js'
import { type SessionAction, type SessionAnswer, SyncError } from './core/actions.js'
import type { SessionBytes } from './core/progress.js'
import type { SessionCore } from './core/session.js'
import {
  bytesPerSecondMin,
  firstFrameTimeoutMs,
  peerWaitMs,
  pendingWritesMax,
  progressTimeoutMs,
  skippedMessagesMax,
  sliceMax,
  turnMsMax,
} from './limits.js'
import type { Message } from './messages.js'
import { Assembly, piecesOf } from './pieces.js'

/** Dependencies of a driven session beside its channel. */
export interface SessionSurroundings {
  readonly environment: Environment
  readonly replica: SyncReplica
  /** Takes the slot for bulk transfers. */
  acquireSlot(): boolean
  /** Called with the contexts that the peer has sent. */
  peerCaptured(capture: Capture): void
  /** Called after each action with its answer, and with the bytes of the session so far; absent: nobody watches. */
  observe?(action: SessionAction, answer: SessionAnswer, bytes: SessionBytes): void
}

/** A session on its channel. */
export class Driver {
  bytesSent = 0
  bytesReceived = 0
  /** Messages of the peer that only a later version understands; they were skipped. */
  later = 0
  readonly #session: SessionCore
  readonly #channel: Channel
  readonly #frames: AsyncIterator<Uint8Array>
  readonly #surroundings: SessionSurroundings
  readonly #assembly = new Assembly()
  #writes: Promise<ApplyOutcome>[] = []
  #waitedMs = 0
  /** Time that the session has taken for itself since others had a turn, in milliseconds. */
  #turnMs = 0

  constructor(session: SessionCore, channel: Channel, surroundings: SessionSurroundings) {
    this.#session = session
    this.#channel = channel
    this.#frames = channel.frames[Symbol.asyncIterator]()
    this.#surroundings = surroundings
  }

  /**
   * Runs the session to its end and closes the channel in order. Rejects when it was cut: by the peer, by a malformed
   * message, by damage, by a failing store, by a peer that makes no progress. The channel is aborted then.
   */
  async run(): Promise<void> {
    try {
      let action = this.#session.start()
      while (action !== undefined) {
        const answer = await this.#step(action)
        if (this.#turnMs >= turnMsMax) await this.#letOthers()
        action = this.#worked(() => this.#session.next(answer))
      }
      await this.#settle()
      await this.#withTimeout(this.#channel.close())
    } catch (error) {
      await Promise.allSettled(this.#writes)
      if (error instanceof UnknownVersion) await this.#answerVersion()
      else this.#channel.abort(endReasonOf(error))
      throw error
    }
  }

  /** Sends a message outside of the session's own. */
  async send(message: Message): Promise<void> {
    const { memberOf } = this.#session.talk
    for (const piece of piecesOf(this.#worked(() => encodeMessage(message, memberOf)))) {
      this.bytesSent += piece.length
      await this.#withTimeout(this.#channel.send(piece))
    }
  }

  /** Answers a peer of another version with `busy version`. */
  async #answerVersion(): Promise<void> {
    try {
      await this.send({ type: 'busy', reason: 'version' })
      await this.#withTimeout(this.#channel.close())
    } catch {
      this.#channel.abort('version')
    }
  }

  async #step(action: SessionAction): Promise<SessionAnswer> {
    const answer = await this.#perform(action)
    this.#surroundings.observe?.(action, answer, this)
    return answer
  }

  async #perform(action: SessionAction): Promise<SessionAnswer> {
    const { replica, environment, acquireSlot, peerCaptured } = this.#surroundings
    switch (action.type) {
      case 'send':
        await this.send(action.message)
        return { type: 'done' }
      case 'receive':
        return { type: 'message', message: await this.#receive() }
      case 'readMissing': {
        const { missing, bytesMax, peerApplied } = action
        return { type: 'missing', missing: await replica.readMissing(missing, bytesMax, peerApplied) }
      }
      case 'apply':
        return this.#write(this.#worked(() => replica.applyUpdates(action.updates)))
      case 'keepDigests':
        return this.#write(replica.keepDigests(action.dots).then(() => ({ news: 0, dropped: 0 })))
      case 'join':
        return this.#write(this.#worked(() => replica.joinEntries(action.entries, action.peer)))
      case 'settle':
        return this.#settleWhole()
      case 'unite':
        await replica.unite(action.peer, action.except, action.compared)
        return { type: 'done' }
      case 'acquireSlot':
        return { type: 'acquired', granted: acquireSlot() }
      case 'peerCaptured':
        peerCaptured(action.capture)
        return { type: 'done' }
      case 'pause':
        await environment.yieldTurn()
        return { type: 'done' }
    }
  }

  async #receive(): Promise<Message> {
    for (;;) {
      const { done, value } = await this.#withTimeout(this.#frames.next())
      if (done) throw new SyncError('closed by the peer')
      this.bytesReceived += value.length
      const message = this.#assembly.add(value)
      if (message === undefined) continue
      if (!isLaterMessage(message, lastMessageCode)) return this.#worked(() => decodeMessage(message))
      if (++this.later > skippedMessagesMax) throw new SyncError('too many messages that are not known here')
    }
  }

  /** Begins a write; a few may be under way while the next message is read. */
  async #write(write: Promise<ApplyOutcome>): Promise<SessionAnswer> {
    write.catch(() => undefined)
    this.#writes.push(write)
    if (this.#writes.length >= pendingWritesMax) await this.#writes.shift()
    return { type: 'done' }
  }

  /** Runs a piece of the session's work, which nobody else can interrupt. */
  #worked<T>(work: () => T): T {
    const { environment } = this.#surroundings
    const startMs = environment.monotonicMs()
    const result = work()
    this.#turnMs += environment.monotonicMs() - startMs
    return result
  }

  /** The session has worked for long enough: others have a turn. */
  #letOthers(): Promise<void> {
    this.#turnMs = 0
    return this.#surroundings.environment.yieldTurn()
  }

  /** Waits for the writes, and hashes what they changed in slices: what follows is a capture, in one turn. */
  async #settleWhole(): Promise<SessionAnswer> {
    const { replica, environment } = this.#surroundings
    const outcome = await this.#settle()
    while (!replica.trie.refresh(sliceMax)) await environment.yieldTurn()
    return { type: 'settled', outcome }
  }

  async #settle(): Promise<ApplyOutcome> {
    const writes = this.#writes
    this.#writes = []
    const outcomes = await Promise.all(writes)
    return outcomes.reduce((a, b) => ({ news: a.news + b.news, dropped: a.dropped + b.dropped }), {
      news: 0,
      dropped: 0,
    })
  }

  /** Waits for the peer, but not for ever: each wait is bounded, and all of them together by what was transferred. */
  async #withTimeout<T>(waiting: Promise<T>): Promise<T> {
    const { environment } = this.#surroundings
    const startMs = environment.monotonicMs()
    const earnedMs = ((this.bytesSent + this.bytesReceived) / bytesPerSecondMin) * 1000
    const leftMs = Math.max(0, peerWaitMs + earnedMs - this.#waitedMs)
    let tooLong = (): void => undefined
    const limit = new Promise<never>((_, reject) => {
      tooLong = () => reject(new SyncError('no progress'))
    })
    limit.catch(() => undefined)
    waiting.catch(() => undefined)
    const frameMs = this.bytesReceived === 0 ? firstFrameTimeoutMs : progressTimeoutMs
    const timer = environment.setTimer(Math.min(frameMs, leftMs), tooLong)
    try {
      return await Promise.race([waiting, limit])
    } finally {
      timer.cancel()
      this.#waitedMs += environment.monotonicMs() - startMs
    }
  }
}

/** Beginning of the reason with which a session ends that was cut because the peer's bytes were malformed. */
export const malformedReason = 'malformed'

/** Reason for which a session was cut, in few words. */
export function endReasonOf(error: unknown): string {
  if (error instanceof SyncError) return error.reason
  if (error instanceof DecodeError) return `${malformedReason}: ${error.message}`
  if (error instanceof Error) return 'code' in error ? `${String(error.code)}: ${error.message}` : error.message
  return String(error)
}
