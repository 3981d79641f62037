/** Takes a lab down, whatever state it was left in. */
import { isLab, markClosing, removeBase, removeLab } from './directory.js'
import { placesOf } from './plan.js'
import { Processes } from './processes.js'

/**
 * Removes whatever there is of a lab: its processes, its ports, its directory. Resolves with how many processes ran;
 * undefined without a lab.
 */
export async function takeDown(directory: string, environment: NodeJS.ProcessEnv): Promise<number | undefined> {
  if (!isLab(directory)) {
    removeBase(environment)
    return undefined
  }
  const places = placesOf(directory)
  markClosing(places)
  // The record may not be readable any more; the numbers of the processes are all that is needed.
  const ended = await new Processes(places, { version: 1, nodes: [], flags: [] }, environment).killAll()
  removeLab(places)
  removeBase(environment)
  return ended
}
