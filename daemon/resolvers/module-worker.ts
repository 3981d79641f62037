/** Runs inside the thread of an application's module: loads it, takes clock and chance away from it, answers calls. */
import { isUtf8 } from 'node:buffer'
import { parentPort, workerData } from 'node:worker_threads'
import type {
  ModuleAnswer,
  ModuleLoaded,
  ModuleQuestion,
  ModuleVersion,
  SentVersion,
  ThreadData,
} from './module-messages.js'

type Resolve = (versions: ModuleVersion[]) => unknown

const port = parentPort!
const data = workerData as ThreadData

try {
  // From its text alone: what runs is what was hashed, and nothing else can be imported but Node's own modules.
  const encoded = Buffer.from(data.source).toString('base64')
  const module = (await import(`data:text/javascript;base64,${encoded}`)) as Record<string, unknown>
  const resolve = module.default ?? module.resolve
  if (typeof resolve !== 'function') throw new Error("it exports no function, neither as default nor as 'resolve'")
  takeClockAndChanceAway()
  port.on('message', (question: ModuleQuestion) => port.postMessage(answer(resolve as Resolve, question)))
  say({ examples: examplesOf(module.examples) })
} catch (error) {
  say({ reason: reasonOf(error) })
}

function say(message: ModuleLoaded): void {
  port.postMessage(message)
}

function answer(resolve: Resolve, { id, versions }: ModuleQuestion): ModuleAnswer {
  try {
    return { id, ...usable(resolve(versions.map(toModuleVersion))) }
  } catch (error) {
    return { id, reason: `it threw: ${reasonOf(error)}` }
  }
}

function toModuleVersion({ value, time }: SentVersion): ModuleVersion {
  return {
    value,
    text: isUtf8(value) ? Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString() : null,
    time,
  }
}

function usable(result: unknown): { value: Uint8Array } | { reason: string } {
  const value = bytesOf(result)
  if (value === undefined) return { reason: `it returned ${kindOf(result)}, not a text or a Uint8Array` }
  if (value.length <= data.resultBytesMax) return { value }
  return { reason: `it returned ${value.length} bytes, more than ${data.resultBytesMax}` }
}

/** Bytes of their own: a view would carry along all that it is a view of. */
function bytesOf(result: unknown): Uint8Array | undefined {
  if (typeof result === 'string') return new TextEncoder().encode(result)
  return result instanceof Uint8Array ? Uint8Array.from(result) : undefined
}

function kindOf(result: unknown): string {
  if (result instanceof Promise) return 'a promise'
  return result === null || result === undefined ? String(result) : `a value of the type ${typeof result}`
}

function examplesOf(examples: unknown): Uint8Array[] {
  if (!Array.isArray(examples)) return []
  const values = examples.slice(0, data.examplesMax).flatMap((example) => bytesOf(example) ?? [])
  return values.filter((value) => value.length <= data.exampleBytesMax)
}

function reasonOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error)
  const hint = text.includes('data:') ? ' (a module stands alone: bundle what it imports into one file)' : ''
  return (
    text.replace(/data:text\/javascript;base64,[A-Za-z0-9+/=]*/g, 'the module').slice(0, data.reasonCharactersMax) +
    hint
  )
}

/** A result that depends on either would differ from node to node. */
function takeClockAndChanceAway(): void {
  const refuse = (what: string) => () => {
    throw new Error(`a resolver has no ${what}: its result must follow from the versions alone`)
  }
  const now = refuse('clock; use the time of the versions')
  Math.random = refuse('randomness')
  crypto.getRandomValues = refuse('randomness')
  crypto.randomUUID = refuse('randomness')
  performance.now = now
  Date.now = now
  globalThis.Date = new Proxy(Date, {
    apply: now,
    construct: (target, given, made) => (given.length === 0 ? now() : Reflect.construct(target, given, made)),
  })
}
