/** Runs inside the thread that works on documents: one call after the other. */
import { parentPort } from 'node:worker_threads'
import { LocalDocuments } from '../../store/documents/engine.js'
import { HearsayError } from '../../store/errors.js'
import type { DocumentAnswer, DocumentCall, DocumentQuestion, Refusal } from './messages.js'

const port = parentPort!
const engine = new LocalDocuments()

let last: Promise<void> = Promise.resolve()

// In the order of the questions: the daemon counts on it.
port.on('message', (question: DocumentQuestion) => {
  last = last.then(async () => port.postMessage(await answerTo(question)))
})

function answerTo({ id, call }: DocumentQuestion): Promise<DocumentAnswer> {
  return work(call).then(
    (result) => ({ id, result }),
    (error: unknown) => ({ id, refusal: refusalOf(error) }),
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

function refusalOf(error: unknown): Refusal {
  if (error instanceof HearsayError) return { code: error.code, message: error.message, details: error.details }
  return { code: undefined, message: error instanceof Error ? error.message : String(error), details: {} }
}
