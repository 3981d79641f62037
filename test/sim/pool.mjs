/** Worker threads that play seeds of one bundle. */
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'

const chunkSeeds = 8

/**
 * Plays seeds on all cores, a few at a time in ascending order. `take` is given each result; when it returns false, no
 * further seeds are begun. Resolves when all that was begun is done, with promises that nobody caught.
 */
export async function runSeeds(path, seeds, options, take) {
  const unhandled = []
  let next = 0
  let goesOn = true
  const chunk = () => {
    if (!goesOn || next >= seeds.length) return undefined
    next += chunkSeeds
    return seeds.slice(next - chunkSeeds, next)
  }
  await Promise.all(
    Array.from({ length: Math.min(availableParallelism(), Math.ceil(seeds.length / chunkSeeds)) }, () =>
      work(path, options, chunk, (message) => {
        if (message.type === 'unhandled') unhandled.push(message.message)
        else if (!take(message.result)) goesOn = false
      }),
    ),
  )
  return { unhandled }
}

function work(path, options, chunk, tell) {
  return new Promise((resolve, reject) => {
    const worker = new Worker(path, { workerData: { isSimulation: true }, execArgv: ['--enable-source-maps'] })
    const more = () => {
      const seeds = chunk()
      if (seeds !== undefined) return worker.postMessage({ seeds, options, stopsAtFirst: false })
      worker.terminate().then(() => resolve(undefined), reject)
    }
    worker.on('message', (message) => (message.type === 'done' ? more() : tell(message)))
    worker.on('error', reject)
    more()
  })
}
