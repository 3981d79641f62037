/** What befalls whole machines: they sleep, are copied while they run, go back in time; and what a peer makes up. */
import { encodeGossip } from '../../protocols/gossip/messages.js'
import { register } from '../../store/model/address.js'
import { unknownMember } from '../../store/model/codec.js'
import { valueHash } from '../../store/model/digest.js'
import { compareDots, type Dot } from '../../store/model/dot.js'
import type { Update } from '../../store/model/update.js'
import { lastOf } from '../sim/machines.js'
import { doAs } from './faults.js'
import { ScenarioError, type ScenarioStage } from './stage.js'
import { type Commands, durationMs, expectWords, optionsOf } from './words.js'

/** The run under which a peer makes updates up. */
const madeUpActor = 'feedfacefeedface'

/** Commands of machines. */
export const machineCommands: Commands = {
  /** sleep NAME: the machine is suspended; its connections stay half open */
  sleep: (stage, [name = '']) => doAs(stage, ['sleep', stage.node(name).name, 'silent']),
  /** wake NAME [stale=3s]: it goes on; its wall clock shows the time before the sleep for so long */
  wake: (stage, words) => doAs(stage, withStale(stage, 'wake', words)),
  /** fork NAME COPY: copies the machine as it runs, with its memory; the copy is alone until it settles */
  fork: async (stage, words) => {
    expectWords(words, 'NAME COPY')
    const [name = '', copy = ''] = words
    await doAs(stage, ['fork', stage.node(name).name, copy])
    await stage.until(() => stage.simulation.roster.get(copy)?.run?.isServing === true, 'copying')
    return []
  },
  /** settle COPY [anew]: it gets a place in the network, as it runs or as a new process */
  settle: (stage, words) => doAs(stage, ['settle', ...words]),
  /** snapshot NAME: keeps a copy of disk and memory */
  snapshot: async (stage, [name = '']) => {
    await doAs(stage, ['snapshot', stage.node(name).name])
    await stage.advance(50)
    return []
  },
  /** rewind NAME [stale=3s]: disk and memory go back to it */
  rewind: async (stage, words) => {
    await doAs(stage, withStale(stage, 'rewind', words))
    await stage.until(() => stage.node(words[0]!).run?.isServing === true, 'going on')
    return []
  },
  /**
   * forge NAME KEY VALUE over DOT...: gossips a put that nobody wrote; `ann+2` is the second update from now on of
   * ann's run
   */
  forge: async (stage, [name = '', key = '', value = '', , ...names]) => {
    await forge(stage, name, key, value, names)
    return []
  },
  /** rows NAME: how many rows its disk has: entries, and updates in index and log */
  rows: async (stage, words) => {
    expectWords(words, 'NAME')
    const { disk } = stage.node(words[0]!)
    const [entries, dots] = [await disk.all('entry'), await disk.all('dot')]
    return [`${entries.length} entries, ${dots.length} updates`]
  },
}

async function forge(
  stage: ScenarioStage,
  name: string,
  key: string,
  value: string,
  names: readonly string[],
): Promise<void> {
  const run = stage.run(name)
  const { oracle, world } = stage.simulation
  const supersedes = names.map((one) => dotNamed(stage, one)).sort(compareDots)
  for (const dot of supersedes)
    if (oracle.updates.get(`${dot.actor}:${dot.counter}`) === undefined) oracle.forks.claim(dot)
  const [address, bytes] = [register(key), Buffer.from(value)]
  const dot = { actor: madeUpActor, counter: ++stage.forged }
  const time = { ms: Math.floor(world.nowMs), logical: 0 }
  const update: Update = { dot, address, kind: 'put', time, expiresAtMs: null, value: bytes, supersedes }
  const [kind, hash, view] = ['put' as const, valueHash(bytes), new Map<string, string>()]
  oracle.lied({
    dot,
    address,
    kind,
    expiresAtMs: null,
    supersedes,
    view,
    hash,
    stored: { valueHash: hash, time },
    issuer: `forged-by-${name}`,
  })
  await stage.through(run.network.publish(encodeGossip([update], false, () => unknownMember)))
  await stage.advance(100)
}

/** `ann#1:4`, or `ann+1`: the next update of the run under which ann writes. */
function dotNamed(stage: ScenarioStage, text: string): Dot {
  const next = /^(\w+)\+(\d+)$/.exec(text)
  if (next !== null) {
    const last = lastOf(stage.run(next[1]!).replica.runs.memory)
    if (last === undefined) throw new ScenarioError(`${next[1]} has not written yet`)
    return { actor: last.actor, counter: last.counter + Number(next[2]) }
  }
  const [actor = '', counter = ''] = text.split(':')
  return { actor: stage.actorNamed(actor), counter: Number(counter) }
}

function withStale(stage: ScenarioStage, verb: string, words: readonly string[]): string[] {
  const { plain, options } = optionsOf(words, ['stale'])
  expectWords(plain, 'NAME')
  return [verb, stage.node(plain[0]!).name, String(durationMs(options.get('stale') ?? '0ms'))]
}
