/**
 * Documents in a thread of their own: the same results as without, errors with their codes, and calls that outlive a
 * lost thread.
 */
import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { DocumentThread } from '../../daemon/documents/document-thread.js'
import { documentCallMs, documentCallsWaitingMax, documentIdleMs } from '../../daemon/documents/limits.js'
import { withMemoryMax } from '../../daemon/documents/wasm-memory.js'
import { LocalDocuments } from '../../store/documents/engine.js'
import type { JsonObject } from '../../store/documents/json.js'
import { parseJsonPatch } from '../../store/documents/json-patch.js'
import { anyDocument, nearDocument } from '../support/documents.js'
import { makeDocumentProgram } from '../support/thread-programs.js'

const local = new LocalDocuments()
const made = { program: new URL('file:///'), remove: () => {} }
const threads: DocumentThread[] = []
let timers: { delayMs: number; fire: () => void }[] = []

const environment = {
  setTimer: (delayMs: number, fire: () => void) => {
    const timer = { delayMs, fire }
    timers.push(timer)
    return { cancel: () => void timers.splice(timers.indexOf(timer) >>> 0, 1) }
  },
}

function open(program: URL = made.program): DocumentThread {
  const thread = new DocumentThread({ environment, program })
  threads.push(thread)
  return thread
}

/** A program in a few words; `answer` sees the question. */
function programOf(answer: string): URL {
  const text = `import { parentPort } from 'node:worker_threads'\nparentPort.on('message', (question) => { ${answer} })`
  return new URL(`data:text/javascript,${encodeURIComponent(text)}`)
}

const put = async (json: JsonObject, versions: readonly Uint8Array[] = []) => {
  const result = await local.edit({ versions, edit: { put: json }, heads: undefined, actor: randomBytes(16) })
  return result.kind === 'edited' ? result.bytes : new Uint8Array(0)
}
const code = (promise: Promise<unknown>) => promise.then(() => 'none').catch((error: { code: string }) => error.code)

beforeAll(() => {
  Object.assign(made, makeDocumentProgram())
})
afterAll(() => made.remove())
afterEach(() => {
  for (const thread of threads.splice(0)) thread.stop()
  timers = []
})

describe('a thread for documents', () => {
  it('shows and edits as this thread does, whatever the keys are called', async () => {
    const thread = open()
    const pairs = anyDocument.chain((base) => fc.tuple(fc.constant(base), nearDocument(base), nearDocument(base)))
    await fc.assert(
      fc.asyncProperty(pairs, async ([base, left, right]) => {
        const first = await put(base)
        const both = [await put(left, [first]), await put(right, [first])]
        expect(await thread.show(both)).toEqual(await local.show(both))
        const request = { versions: both, edit: { put: left }, heads: undefined, actor: randomBytes(16) }
        expect(await thread.edit(request)).toEqual(await local.edit(request))
        expect([await thread.holds(both, first), await thread.holds([first], both[1]!)]).toEqual([
          true,
          await local.holds([first], both[1]!),
        ])
      }),
      { numRuns: 60 },
    )
  })

  it('passes on errors with their codes, and what cannot be read', async () => {
    const thread = open()
    const versions = [await put({ a: 1 })]
    const edit = { operations: parseJsonPatch([{ op: 'remove', path: '/b' }]) }
    const request = { versions, edit, heads: undefined, actor: randomBytes(16) }
    expect(await code(thread.edit(request))).toBe('PATCH_FAILED')
    expect(await thread.holds(versions, Buffer.from('no document'))).toBeUndefined()
    expect(await thread.edit({ ...request, heads: ['00'.repeat(32)], edit: { merge: {} } })).toEqual({
      kind: 'baseUnknown',
    })
  })

  it('is ended when a document takes too long, and begun again for those that wait', async () => {
    const thread = open()
    const version = await put({ a: 1 })
    const [late, other] = [thread.show([version]), thread.show([version])]
    const lateCode = code(late)
    expect(timers.map(({ delayMs }) => delayMs)).toEqual([documentCallMs])
    timers[0]!.fire()
    expect(await lateCode).toBe('TIMED_OUT')
    expect((await other).json).toEqual({ a: 1 })
    expect(timers.map(({ delayMs }) => delayMs)).toEqual([documentIdleMs])
    timers[0]!.fire()
    expect(timers).toEqual([])
    expect((await thread.show([version])).json).toEqual({ a: 1 })
  })

  it('that dies takes the call with it that it was at, and no other', async () => {
    const program = programOf(
      'if (question.id === 1) process.exit(3); else parentPort.postMessage({ id: question.id, result: question.id })',
    )
    const thread = open(program)
    const calls = [thread.show([]), thread.show([]), thread.show([])]
    const first = code(calls[0]!)
    expect(await first).toBe('INTERNAL')
    expect(await Promise.all(calls.slice(1))).toEqual([2, 3])
  })

  it('is replaced after a failure that is not of a document', async () => {
    const refusal = "{ code: 'TOO_LARGE', message: 'no memory', details: {} }"
    const program = programOf(
      `const isSpent = question.id === 1 && !globalThis.isOld; globalThis.isOld = true
       parentPort.postMessage(isSpent ? { id: 1, refusal: ${refusal}, isSpent } : { id: question.id, result: question.id })`,
    )
    const thread = open(program)
    const calls = [thread.show([]), thread.show([])]
    expect(await code(calls[0]!)).toBe('TOO_LARGE')
    expect(await calls[1]).toBe(2)
  })

  it('says that a document is too large when its heap is full', async () => {
    const thread = open(programOf('const held = []; for (;;) held.push(new Array(1_000_000).fill(question.id))'))
    expect(await code(thread.show([]))).toBe('TOO_LARGE')
  })

  it('refuses more than may wait, and everything once it is stopped', async () => {
    const thread = open(programOf(''))
    const waiting = Array.from({ length: documentCallsWaitingMax }, () => code(thread.show([])))
    expect(await code(thread.show([]))).toBe('TOO_BUSY')
    thread.stop()
    expect(new Set(await Promise.all(waiting))).toEqual(new Set(['STORE_FAILED']))
    expect(await code(thread.show([]))).toBe('STORE_FAILED')
    expect(timers).toEqual([])
  })

  it('that cannot be started fails each call, and leaves nothing behind', async () => {
    const thread = open(new URL('file:///no/such/program.mjs'))
    expect([await code(thread.show([])), await code(thread.show([]))]).toEqual(['INTERNAL', 'INTERNAL'])
    expect(timers).toEqual([])
  })
})

describe('the memory of a WebAssembly program', () => {
  // (module (memory (export "memory") 1)), with a section before and one behind the memory.
  const header = [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0]
  const memory = [5, 3, 1, 0, 1]
  const exported = [7, 10, 1, 6, ...Buffer.from('memory'), 2, 0]
  const named = [0, 3, 1, 0x61, 0]
  const program = Uint8Array.from([...header, ...named, ...memory, ...exported])

  it('grows up to the bound and no further', async () => {
    const { instance } = await (globalThis as unknown as Scope).WebAssembly.instantiate(withMemoryMax(program, 300))
    expect(instance.exports.memory.grow(299)).toBe(1)
    expect(() => instance.exports.memory.grow(1)).toThrow(RangeError)
  })

  it('is refused a bound when the program is none, or has another one', () => {
    for (const bytes of [program.subarray(0, header.length), Uint8Array.of(0, 1, 2), withMemoryMax(program, 300)]) {
      expect(() => withMemoryMax(bytes, 300)).toThrow(RangeError)
    }
    expect(() => withMemoryMax(program, 0)).toThrow(RangeError)
  })
})

interface Scope {
  readonly WebAssembly: {
    instantiate(
      program: Uint8Array,
    ): Promise<{ readonly instance: { readonly exports: { readonly memory: { grow(pages: number): number } } } }>
  }
}
