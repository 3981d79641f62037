/** `hearsay render`: one configuration file from the values of keys, once or at every change. */

import { HearsayApiError, type WatchEvent } from '../client.js'
import type { Action, Invocation } from '../command.js'
import { runShell } from '../event-command.js'
import { UsageError } from '../failure.js'
import { renderedBytesMax } from '../limits.js'
import { printable } from '../output.js'
import { replaceFile } from '../render/output-file.js'
import { Pace } from '../render/pace.js'
import { commonPrefix, renderTemplate } from '../render/rendering.js'
import { loadTemplate, readValues, type Template } from '../render/source.js'

/** Renders a template; with `--watch` until it is interrupted. */
export const render: Action = async (invocation) => {
  const output = invocation.text('output')
  if (output === undefined && (invocation.flag('watch') || invocation.text('exec') !== undefined)) {
    throw new UsageError('--watch and --exec need --output FILE: they are about the changes of that file')
  }
  const renderer = new Renderer(invocation, await loadTemplate(invocation.argument(0)))
  if (output === undefined) return invocation.output.bytes(await renderer.text(new AbortController().signal))
  if (invocation.flag('watch')) return renderer.follow(output)
  const rendered = await renderer.once(output, false, new AbortController().signal)
  await renderer.report(output, rendered)
  const { exit } = rendered
  if (exit) throw commandFailed(exit, output)
}

/** Outcome of one rendering into a file. */
interface Rendered {
  readonly changed: boolean
  /** Exit code of the command; null when none was run. */
  readonly exit: number | null
}

class Renderer {
  readonly #invocation: Invocation
  readonly #template: Template
  /** Keys in conflict of which the user was warned. */
  #warned: readonly string[] = []
  #trouble: string | undefined
  #isShown = false

  constructor(invocation: Invocation, template: Template) {
    this.#invocation = invocation
    this.#template = template
  }

  /** The rendered text. Throws NOT_FOUND with the missing keys. */
  async text(signal: AbortSignal): Promise<Buffer> {
    const { parts, needs } = this.#template
    const { values, conflicts } = await readValues(this.#invocation.client(), needs, signal)
    const { bytes, missing } = renderTemplate(parts, values)
    if (missing.length > 0) throw missingKeys(missing)
    if (bytes.byteLength > renderedBytesMax) {
      throw new HearsayApiError(
        'TOO_LARGE',
        0,
        `the rendered file is over ${renderedBytesMax} bytes; nothing was written`,
      )
    }
    for (const key of conflicts.filter((one) => !this.#warned.includes(one))) {
      await this.#invocation.output.warn(
        `${printable(key)} has siblings; its latest value was rendered, on every node the same`,
      )
    }
    this.#warned = conflicts
    return bytes
  }

  /** Renders into a file, and runs the command when the content has changed, or when it must be run anyway. */
  async once(path: string, isCommandDue: boolean, signal: AbortSignal): Promise<Rendered> {
    const changed = await replaceFile(path, await this.text(signal))
    const command = this.#invocation.text('exec')
    if (command === undefined || !(changed || isCommandDue)) return { changed, exit: null }
    const environment = { ...this.#invocation.io.environment, HEARSAY_API: this.#invocation.client().address }
    return { changed, exit: await runShell(command, { ...environment, HEARSAY_OUTPUT: path }, '') }
  }

  /** Prints what a rendering did. */
  async report(path: string, { changed, exit }: Rendered): Promise<void> {
    const { output, json } = this.#invocation
    if (json) return output.json({ output: path, changed, exit })
    const ran = exit === null ? '' : `; the command ended with ${exit}`
    await output.line(`${changed ? 'rendered' : 'unchanged:'} ${printable(path)}${ran}`)
  }

  /**
   * Renders at every change until it is interrupted. What stands in the way of one rendering is said, and leaves the
   * file as it is.
   */
  async follow(path: string): Promise<void> {
    const ended = new AbortController()
    const forget = this.#invocation.io.onInterrupt(() => ended.abort())
    const pace = new Pace()
    const alarm = new Alarm(ended.signal)
    let working: Promise<void> | undefined
    try {
      // From before the first reading on, so that no change is missed.
      const since = await this.#invocation.client().cursor({ signal: ended.signal })
      const watching = this.#watch(since, ended.signal, () => {
        pace.changed(performance.now())
        alarm.ring()
      })
      working = this.#work(path, pace, alarm, ended.signal)
      await Promise.race([watching, working])
    } catch (error) {
      if (!ended.signal.aborted) throw error
    } finally {
      ended.abort()
      // A command that runs is waited for, unless the user asks a second time.
      forget()
      await working
    }
  }

  async #work(path: string, pace: Pace, alarm: Alarm, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const nowMs = performance.now()
      if (nowMs < pace.nextMs) {
        await alarm.wait(pace.nextMs - nowMs)
        continue
      }
      const exit = await this.#attempt(path, pace.begin(nowMs), signal)
      pace.ended(performance.now(), exit === null ? 'none' : exit === 0 ? 'done' : 'failed')
    }
  }

  /**
   * Renders once; quiet about a rendering that changes nothing. Resolves with the exit code of the command, if one was
   * run.
   */
  async #attempt(path: string, isCommandDue: boolean, signal: AbortSignal): Promise<number | null> {
    try {
      const rendered = await this.once(path, isCommandDue, signal)
      const { changed, exit } = rendered
      if (changed || exit !== null || !this.#isShown) await this.report(path, rendered)
      this.#isShown = true
      if (this.#trouble !== undefined) await this.#invocation.output.note('rendering again')
      this.#trouble = undefined
      if (exit) await this.#invocation.output.warn(`${commandFailed(exit, path).message}; it is run again`)
      return exit
    } catch (error) {
      if (signal.aborted) return null
      const text = error instanceof Error ? error.message : String(error)
      if (text !== this.#trouble) await this.#invocation.output.warn(`${text}; ${printable(path)} stays as it is`)
      this.#trouble = text
      return null
    }
  }

  /** Calls back at each change of what the template reads. Throws what no later attempt can repair. */
  async #watch(since: string, signal: AbortSignal, changed: () => void): Promise<void> {
    const client = this.#invocation.client()
    for (let from = since; !signal.aborted; from = await client.cursor({ signal })) {
      try {
        const prefix = commonPrefix(this.#template.needs)
        for await (const event of client.watch({ prefix, since: from, signal })) if (this.#isRead(event)) changed()
      } catch (error) {
        // What came between is not known: it is as if everything had changed.
        if (!(error instanceof HearsayApiError) || error.code !== 'CURSOR_GONE') throw error
        changed()
      }
    }
  }

  #isRead({ key, type }: WatchEvent): boolean {
    const { keys, prefixes } = this.#template.needs
    return type === 'reg' && (keys.includes(key) || prefixes.some((prefix) => key.startsWith(prefix)))
  }
}

/** A wait that can be ended. */
class Alarm {
  readonly #signal: AbortSignal
  #wake: () => void = () => {}

  /** `signal`: ends all waits. */
  constructor(signal: AbortSignal) {
    this.#signal = signal
    signal.addEventListener('abort', () => this.ring())
  }

  /** Ends the wait that is under way. */
  ring(): void {
    this.#wake()
  }

  /** Waits for so long, or until it rings. */
  async wait(durationMs: number): Promise<void> {
    if (this.#signal.aborted) return
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, durationMs)
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }
}

function missingKeys(missing: readonly string[]): HearsayApiError {
  const names = missing.map((key) => printable(key)).join(', ')
  const message = `there is no value at ${names}, and no default in the template (KEY or DEFAULT); nothing was written`
  return new HearsayApiError('NOT_FOUND', 0, message, { missing })
}

function commandFailed(exit: number, path: string): HearsayApiError {
  const message = `${printable(path)} is in place, but the command ended with ${exit}`
  return new HearsayApiError('COMMAND_FAILED', 0, message, { exit })
}
