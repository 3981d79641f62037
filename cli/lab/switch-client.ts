/** Talks to the switch of a lab. */
import { createConnection } from 'node:net'
import { HearsayApiError } from '../failure.js'
import { filePollMs, readyMsMax, switchAnswerMs } from './limits.js'
import { switchName, switchPortOf } from './plan.js'
import { type Processes, poll } from './processes.js'

/** Resolves when the switch acts by the links as saved. Throws LAB_FAILED. */
export async function reloadSwitch(processes: Processes): Promise<void> {
  const port = await poll(readyMsMax, filePollMs, undefined, () => switchPortOf(processes.printed(switchName)))
  const answer = (await ask(port ?? 0)).trim()
  if (answer === 'done') return
  throw new HearsayApiError('LAB_FAILED', 0, `the switch does not take the links: ${answer || 'no answer'}`)
}

/** Resolves with the answer, empty when there is none. */
function ask(port: number): Promise<string> {
  return new Promise((resolve) => {
    const socket = createConnection({ port, host: '127.0.0.1' })
    let answer = ''
    socket.setTimeout(switchAnswerMs, () => socket.destroy())
    socket.setEncoding('utf8').on('data', (text: string) => {
      answer += text
    })
    socket.on('error', () => {}).on('close', () => resolve(answer))
    socket.write('reload\n')
  })
}
