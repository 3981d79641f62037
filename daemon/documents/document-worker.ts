/** Runs inside the thread that works on documents: one call after the other. */
import { parentPort } from 'node:worker_threads'
import { LocalDocuments } from '../../store/documents/engine.js'
import { HearsayError } from '../../store/errors.js'
import { documentWasmBytesHigh, documentWasmBytesMax } from './limits.js'
import type { DocumentAnswer, DocumentCall, DocumentQuestion, Refusal } from './messages.js'
import { boundWasmMemory } from './wasm-memory.js'

const port = parentPort!
// Before the library is loaded, which the first call does.
const wasmBytes = boundWasmMemory(documentWasmBytesMax)
const engine = new LocalDocuments()

let last: Promise<void> = Promise.resolve()

// In the order of the questions: the daemon counts on it.
port.on('message', (question: DocumentQuestion) => {
  last = last.then(async () => port.postMessage(await answerTo(question)))
})

function answerTo({ id, call }: DocumentQuestion): Promise<DocumentAnswer> {
  return work(call).then(
    (result) => ({ id, result }),
    (error: unknown) => ({ id, refusal: refusalOf(error), isSpent: !(error instanceof HearsayError) }),
  )
}

function work(call: DocumentCall): Promise<unknown> {
  switch (call.name) {
    case 'show':
      return engine.show(call.versions)
    case 'holds':
      return engine.holds(call.versions, call.other)
    case 'edit':
      return engine.edit(call.request)
  }
}

const tooLarge =
  'the document takes more memory than a document may; nothing was stored. Delete it and put it again, which drops its history, or split it over several keys'

function refusalOf(error: unknown): Refusal {
  if (error instanceof HearsayError) return { code: error.code, message: error.message, details: error.details }
  if (wasmBytes() >= documentWasmBytesHigh) return { code: 'TOO_LARGE', message: tooLarge, details: {} }
  return { code: undefined, message: error instanceof Error ? error.message : String(error), details: {} }
}
