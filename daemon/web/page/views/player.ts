/** The film of one session: played, stopped, and gone through step by step. */
import { html } from 'htm/preact'
import { useEffect, useState } from 'preact/hooks'
import { wantsStillness } from '../io/surroundings.js'
import type { RecordedSession } from '../model/events.js'
import { lengthText } from '../model/format.js'
import { endOf, lastMs, msAt, sceneAt, sceneText, stopsOf } from '../model/sessions.js'
import { Icon } from './parts.js'
import { SceneView } from './scene.js'

/** Milliseconds for which one stop of a session is shown. */
const stopMs = 900

/** Plays a session; a running one is shown as it is now. */
export function Player({ session, self }: { session: RecordedSession; self: string }) {
  const stops = stopsOf(session)
  const steps = Math.max(1, stops.length - 1)
  const [position, setPosition] = useState<number | null>(null)
  const [isPlaying, setPlaying] = useState(false)
  usePlaying(isPlaying, steps, setPosition, () => setPlaying(false))
  const at = position ?? steps
  const ms = position === null ? lastMs(session) : msAt(session, position / steps)
  const scene = sceneAt(session, ms)
  const move = (to: number) => {
    setPlaying(false)
    setPosition(Math.min(steps, Math.max(0, to)))
  }
  const play = () => {
    if (!isPlaying && at >= steps) setPosition(0)
    setPlaying(!isPlaying)
  }
  return html`<div class="player">
    <${SceneView} scene=${scene} self=${self} peer=${session.name} />
    <div class="controls">
      <button type="button" class="button" onClick=${play} disabled=${endOf(session) === null}><${Icon} name=${isPlaying ? 'pause' : 'play'} />${isPlaying ? 'Pause' : 'Play'}</button>
      <button type="button" class="button" aria-label="One step back" onClick=${() => move(Math.ceil(at) - 1)}>‹</button>
      <button type="button" class="button" aria-label="One step on" onClick=${() => move(Math.floor(at) + 1)}>›</button>
      <input type="range" min="0" max=${steps} step="0.01" value=${at} aria-label="Moment of the session" aria-valuetext=${sceneText(scene)}
        onInput=${(event: InputEvent) => move(Number((event.target as HTMLInputElement).value))} />
      <span class="dim small">${lengthText(Math.round(ms))}</span>
    </div>
    <p class="scene-text">${sceneText(scene)}</p>
  </div>`
}

/** Moves the position while it plays: smoothly, or from stop to stop for who wants no movement. */
function usePlaying(
  isPlaying: boolean,
  steps: number,
  setPosition: (to: (at: number | null) => number) => void,
  ended: () => void,
): void {
  useEffect(() => {
    if (!isPlaying) return
    const tickMs = wantsStillness() ? stopMs : 33
    const timer = setInterval(() => {
      setPosition((at) => {
        const next = (at ?? 0) + tickMs / stopMs
        if (next >= steps) ended()
        return Math.min(steps, next)
      })
    }, tickMs)
    return () => clearInterval(timer)
  }, [isPlaying, steps])
}
