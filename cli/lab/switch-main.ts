/** The switch of a lab as a process: `node switch-main.js DIRECTORY`; prints its port, and runs until it is killed. */
import { readdirSync, readFileSync } from 'node:fs'
import { decodeLinks } from './links.js'
import { placesOf, readyNodeOf, switchName } from './plan.js'
import { Switch } from './switch.js'

const places = placesOf(process.argv[2] ?? '')

/**
 * Node that listens on a port. The ready lines are read at each dial: a node that was restarted may listen elsewhere.
 */
function nodeAt(port: number): string | undefined {
  const suffix = '.ready'
  const files = readdirSync(places.runFolder).filter((file) => file.endsWith(suffix))
  const names = files.map((file) => file.slice(0, -suffix.length)).filter((name) => name !== switchName)
  return names.find((name) => readyNodeOf(readFileSync(places.ready(name), 'utf8'))?.port === port)
}

const made = await Switch.listen({ links: () => decodeLinks(readFileSync(places.links, 'utf8')), nodeAt })
process.stdout.write(`${JSON.stringify({ msg: 'ready', port: made.port })}\n`)
