/** Plays scenario files: each command goes to the stage, what it prints is recorded under it. */

import { meshCommands, nodeCommands } from './faults.js'
import { lookCommands } from './looks.js'
import { machineCommands } from './machines.js'
import { parseScenario, record } from './script.js'
import { ScenarioError, ScenarioStage } from './stage.js'
import { userCommands } from './users.js'
import { type Commands, optionsOf } from './words.js'

/** Every command but `nodes`, which begins a scenario. */
export const scenarioCommands: Commands = {
  ...meshCommands,
  ...nodeCommands,
  ...machineCommands,
  ...userCommands,
  ...lookCommands,
}
const logBytesDefault = 64 * 1024 * 1024

/**
 * Plays a scenario. Returns its text with what it printed now. Throws what the oracle finds, and mistakes in the file.
 */
export async function playScenario(text: string): Promise<string> {
  let stage: ScenarioStage | undefined
  const result = await record(parseScenario(text), async (command) => {
    const [name = '', ...words] = command.trim().split(/\s+/)
    if (name === 'nodes') {
      stage = await begin(words)
      return []
    }
    if (stage === undefined) throw new ScenarioError('a scenario begins with `nodes NAME...`')
    const does = Object.hasOwn(scenarioCommands, name) ? scenarioCommands[name] : undefined
    if (does === undefined) throw new ScenarioError(`no such command: ${name}`)
    return does(stage, words)
  })
  await stage?.end()
  return result
}

/** nodes NAME... [log=BYTES] [durability=os]: a mesh of these, all connected and equal */
async function begin(words: readonly string[]): Promise<ScenarioStage> {
  const { plain, options } = optionsOf(words, ['log', 'durability'])
  const stage = new ScenarioStage(plain, {
    logBytesMax: Number(options.get('log') ?? logBytesDefault),
    sync: options.get('durability') !== 'os',
  })
  await stage.acquaint()
  return stage
}
