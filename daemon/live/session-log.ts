/** The last sync sessions, step by step, for those who watch and for the replay. */
import type { RecordedSession, SessionStep } from '../../protocols/api/live.js'
import { memberTag } from '../../protocols/membership/core/record.js'
import type { PeerId } from '../../protocols/network.js'
import type { MissingDots, ProgressStep } from '../../protocols/sync/core/progress.js'
import type { WatchSession } from '../../protocols/sync/watching.js'
import type { MemberTag } from '../../store/model/codec.js'
import { isoTime } from '../views/value-json.js'
import { sessionsKept, stepsKept } from './limits.js'

/** Digits of an actor's id that a step shows. */
const actorDigits = 8

interface Recorded {
  readonly head: Omit<RecordedSession, 'steps'>
  readonly steps: SessionStep[]
}

/** Keeps the last sessions. */
export class SessionLog {
  /** Bytes of all sessions since the start, as far as their steps have told. */
  readonly bytes = { sent: 0, received: 0 }
  /** Name of the member behind a tag; the tag itself while it is not known. */
  nameOf: (member: MemberTag) => string = (member) => member
  /** Called with each step, while somebody listens. */
  onStep: ((session: Omit<RecordedSession, 'steps'>, step: SessionStep) => void) | undefined
  readonly #nowMs: () => number
  #sessions: Recorded[] = []
  #count = 0
  #open = 0

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs
  }

  /** Sessions under way. */
  get open(): number {
    return this.#open
  }

  /** The last sessions, oldest first; those under way as far as they have come. */
  recent(): RecordedSession[] {
    return this.#sessions.map(({ head, steps }) => ({ ...head, steps: [...steps] }))
  }

  /** Records a session that begins. */
  readonly watch: WatchSession = (peer) => {
    const atMs = this.#nowMs()
    let recorded: Recorded | undefined
    const counted = { bytesSent: 0, bytesReceived: 0 }
    return (progress, ms) => {
      recorded ??= this.#begin(peer, atMs)
      if (progress.step === 'entries' || progress.step === 'end') {
        this.bytes.sent += progress.bytesSent - counted.bytesSent
        this.bytes.received += progress.bytesReceived - counted.bytesReceived
        counted.bytesSent = progress.bytesSent
        counted.bytesReceived = progress.bytesReceived
      }
      if (progress.step === 'end') this.#open--
      const step = stepJson(progress, ms)
      keep(recorded.steps, step)
      this.onStep?.(recorded.head, step)
    }
  }

  #begin(peer: PeerId, atMs: number): Recorded {
    const tag = memberTag(peer)
    const name = this.nameOf(tag)
    const head = { id: `${++this.#count}`, peer, name: name === tag ? peer : name, at: isoTime(atMs) }
    const recorded = { head, steps: [] }
    this.#open++
    this.#sessions = [...this.#sessions, recorded].slice(-sessionsKept)
    return recorded
  }
}

/** Adds a step; of a session with many, the counts in between make room. */
function keep(steps: SessionStep[], step: SessionStep): void {
  if (steps.length >= stepsKept) {
    const at = steps.findLastIndex((one) => one.step === 'entries')
    steps.splice(at === -1 ? steps.length - 1 : at, 1)
  }
  steps.push(step)
}

/** A step as the API shows it. */
function stepJson(progress: ProgressStep, ms: number): SessionStep {
  if (progress.step === 'contexts') {
    const { bytes, mine, theirs } = progress
    const rests = { mineRest: mine.rest, theirsRest: theirs.rest }
    return { step: 'contexts', ms, bytes, mine: actorsJson(mine), theirs: actorsJson(theirs), ...rests }
  }
  if (progress.step !== 'end') return { ...progress, ms }
  const { mode, roundTrips, bytesSent, bytesReceived, entriesSent, entriesReceived, ended, equal } = progress
  return { step: 'end', ms, mode, roundTrips, bytesSent, bytesReceived, entriesSent, entriesReceived, ended, equal }
}

function actorsJson({ actors }: MissingDots) {
  return actors.map(({ actor, missing }) => ({ actor: actor.slice(0, actorDigits), missing }))
}
