/** Types of what the daemon tells the dashboard as it happens, by the names that this page uses. */
import type { Finding } from '../../../../protocols/api/doctor.js'
import type { LiveData, LiveEventName, RecordedSession, SessionStep } from '../../../../protocols/api/live.js'
import type { Member, Status } from '../../../../protocols/api/mesh.js'

export type { Finding, Member, RecordedSession, SessionStep, Status }

type StepOf<Name extends SessionStep['step']> = Extract<SessionStep, { readonly step: Name }>
/** The contexts were swapped. */
export type ContextsStep = StepOf<'contexts'>
/** The number of updates of one actor that one side of a session lacks. */
export type ActorGap = ContextsStep['mine'][number]
/** One level of the hash trees was compared. */
export type LevelStep = StepOf<'level'>
/** Entries moved so far. */
export type EntriesStep = StepOf<'entries'>
/** The session ended. */
export type EndStep = StepOf<'end'>
/** A step of a session in the live stream. */
export type SessionEvent = LiveData<'session'>
/** SecondRates of one second. */
export type SecondRates = LiveData<'rates'>
/** One change of the feed, without its value. */
export type ChangeEvent = LiveData<'change'>

/** Everything that the stream of events carries, by the name of the event. */
export type LiveEvent = {
  readonly [Name in LiveEventName]: { readonly event: Name; readonly data: LiveData<Name> }
}[LiveEventName]
