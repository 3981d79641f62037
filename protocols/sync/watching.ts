/** Tells whoever watches of the steps of a session. What goes wrong there ends the watching, never the session. */
import type { Environment } from '../../store/environment.js'
import type { PeerId } from '../network.js'
import type { SessionAction, SessionAnswer } from './core/actions.js'
import type { Conversation } from './core/conversation.js'
import {
  type ProgressStep,
  type SessionBytes,
  type SessionEnd,
  SessionProgress,
  type SessionStart,
} from './core/progress.js'

/**
 * Called when a session begins; returns what is called with each step of it and the milliseconds since its start. The
 * last step is the end; there is none at all if the peer never opened what it had begun.
 */
export type WatchSession = (peer: PeerId) => (step: ProgressStep, ms: number) => void

/** Session that somebody watches. */
export class WatchedSession {
  readonly #progress: SessionProgress
  readonly #environment: Pick<Environment, 'monotonicMs'>
  readonly #startMs: number
  #tell: ((step: ProgressStep, ms: number) => void) | undefined

  constructor(
    watch: () => ReturnType<WatchSession>,
    talk: Conversation,
    start: SessionStart,
    environment: Pick<Environment, 'monotonicMs'>,
  ) {
    this.#progress = new SessionProgress(talk, start)
    this.#environment = environment
    this.#startMs = environment.monotonicMs()
    this.#safely(() => {
      this.#tell = watch()
    })
  }

  /** Takes an action of the session with its answer. */
  observe(action: SessionAction, answer: SessionAnswer, bytes: SessionBytes): void {
    this.#pass((ms) => this.#progress.observe(action, answer, bytes, ms))
  }

  /** Takes the end of the session. */
  end(end: SessionEnd): void {
    this.#pass(() => this.#progress.end(end))
  }

  #pass(read: (ms: number) => readonly ProgressStep[]): void {
    if (this.#tell === undefined) return
    const ms = Math.round(this.#environment.monotonicMs() - this.#startMs)
    this.#safely(() => {
      for (const step of read(ms)) this.#tell?.(step, ms)
    })
  }

  #safely(act: () => void): void {
    try {
      act()
    } catch {
      this.#tell = undefined
    }
  }
}
