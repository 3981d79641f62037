/** What befalls a mesh: processes, links, clocks, disks, members, and the passing of time. */
import { fetchProtocol } from '../../protocols/gossip/messages.js'
import { syncProtocol } from '../../protocols/sync/limits.js'
import type { KvRow } from '../../store/kv.js'
import { addressText, register } from '../../store/model/address.js'
import { contextKey } from '../../store/rows/contexts.js'
import { decodeDotRow, isLiveRow } from '../../store/rows/dots.js'
import { entryKey } from '../../store/rows/entries.js'
import type { SimNode } from '../sim/node.js'
import { ScenarioError, type ScenarioStage } from './stage.js'
import { type Commands, durationMs, expectWords } from './words.js'

const protocols: Readonly<Record<string, string>> = { sync: syncProtocol.id, fetch: fetchProtocol.id }

/** Commands of time, links and processes. */
export const meshCommands: Commands = {
  /** advance 5s */
  advance: async (stage, words) => {
    expectWords(words, 'DURATION')
    await stage.advance(durationMs(words[0]!))
    return []
  },
  /** converge [NODE...]: waits until these, or all, are equal; then the oracle judges what they hold */
  converge: async (stage, names) => {
    await stage.converge(names)
    return []
  },
  /** cut A B | C D: no message passes between these groups; cut A -> B: none from A to B */
  cut: (stage, words) => {
    const arrow = words.indexOf('->')
    const groups = words
      .join(' ')
      .split(/\||->/)
      .map((group) => group.trim().split(/\s+/))
    for (const [at, group] of groups.entries()) {
      for (const other of groups.slice(at + 1)) {
        for (const a of group) for (const b of other) cut(stage, a, b, arrow >= 0)
      }
    }
    return []
  },
  /** heal [A B]: this pair, or all */
  heal: (stage, words) => doAs(stage, words.length === 0 ? ['mendall'] : ['mend', ...words]),
  /** clog A B 2s: what A sends to B takes so much longer */
  clog: (stage, [a = '', b = '', by = '']) => doAs(stage, ['clog', stage.node(a).name, b, String(durationMs(by))]),
  /** gossip lost / flows: whether gossip gets through anywhere */
  gossip: (stage, [how = '']) => doAs(stage, ['loss', how === 'lost' ? '1' : '0']),
  /**
   * hold sync A B [after N]: frames of this protocol between the two wait, after N more of them; release lets them pass
   */
  hold: (stage, words) => {
    const [protocol = '', a = '', b = '', , count = '0'] = words
    stage.fates.set(protocolId(protocol), counted('waits', [a, b], Number(count)))
    return []
  },
  /** release: what was held passes; what was to break does not */
  release: (stage) => {
    stage.fates.clear()
    for (const a of stage.simulation.roster.nodes.keys()) {
      for (const b of stage.simulation.roster.nodes.keys()) stage.simulation.mesh.resume(a, b)
    }
    return []
  },
  /**
   * break sync A B after N: the connection breaks at the frame after N more of them; break fetch: nothing can be
   * fetched
   */
  break: (stage, words) => {
    const [protocol = '', a = '', b = '', , count = '0'] = words
    const fate = a === '' ? () => 'breaks' as const : counted('breaks', [a, b], Number(count), 1)
    stage.fates.set(protocolId(protocol), fate)
    return []
  },
  /** sync A B: A opens a session with B now */
  sync: async (stage, words) => {
    expectWords(words, 'NODE NODE')
    const [a = '', b = ''] = words
    stage.node(b)
    await stage.through(stage.run(a).protocols.scheduler.syncNow(b))
    const ended = stage.sessions.filter((line) => line.startsWith(`${a} with ${b}: `)).at(-1)
    stage.sessions.splice(0)
    return [ended ?? 'no session']
  },
}

/** Commands of nodes, their clocks and disks. */
export const nodeCommands: Commands = {
  /** add NAME: a new node that knows everybody */
  add: (stage, [name = '']) => doAs(stage, ['add', name]),
  /** crash NAME: power is lost; its peers notice by its silence */
  crash: (stage, [name = '']) => doAs(stage, ['crash', stage.node(name).name, 'silent']),
  /** stop NAME: ends in order */
  stop: async (stage, [name = '']) => {
    await doAs(stage, ['stop', stage.node(name).name])
    await stage.until(() => stage.node(name).run === undefined, 'stopping')
    return []
  },
  /** start NAME [unverified]: serves again; its verification passes soon, or not until `verify NAME` */
  start: async (stage, [name = '', how]) => {
    const node = stage.node(name)
    stage.simulation.roster.startSoon(name)
    const turns: (() => void)[] = []
    if (how === 'unverified') node.run!.environment.yieldTurn = () => new Promise((resolve) => turns.push(resolve))
    stage.heldTurns.set(name, turns)
    await stage.until(() => node.run?.isServing === true, 'starting')
    if (how !== 'unverified') await stage.until(() => node.run!.isVerified, 'verification')
    return []
  },
  /** verify NAME: the verification that was held goes on to its end */
  verify: async (stage, [name = '']) => {
    const { run } = stage.node(name)
    run!.environment.yieldTurn = () => Promise.resolve()
    for (const go of stage.heldTurns.get(name) ?? []) go()
    await stage.until(() => run!.isVerified, 'verification')
    return []
  },
  /** clock NAME +1h: its wall clock jumps */
  clock: (stage, [name = '', by = '']) => doAs(stage, ['jump', stage.node(name).name, String(durationMs(by))]),
  /** image NAME: keeps a copy of its disk */
  image: (stage, [name = '']) => doAs(stage, ['image', stage.node(name).name]),
  /** rollback NAME: puts the copy in place of its disk */
  rollback: (stage, [name = '']) => doAs(stage, ['rollback', stage.node(name).name]),
  /** clone NAME COPY: copies its disk under it, and starts another node on the copy */
  clone: (stage, [name = '', copy = '']) => doAs(stage, ['clone', stage.node(name).name, copy]),
  /** forget NODE NAME: NODE retires a member that is off for good */
  forget: async (stage, words) => {
    expectWords(words, 'NODE NAME')
    await doAs(stage, ['forget', ...words])
    if (!stage.node(words[1]!).isRetired) throw new ScenarioError(`${words[0]} could not forget ${words[1]}`)
    return []
  },
  /**
   * lose NAME entry/index/both KEY..., context ACTOR...: rows are gone from its disk: of the entries, of the dot index,
   * of both, of contexts
   */
  lose: (stage, words) => damage(stage, words, () => null),
  /** flip NAME entry/index/both KEY..., context ACTOR...: a bit of each of these rows flips */
  flip: (stage, words) =>
    damage(stage, words, (value) => Uint8Array.from(value, (byte, at) => (at === 0 ? byte ^ 1 : byte))),
}

async function damage(
  stage: ScenarioStage,
  [name = '', what = '', ...keys]: readonly string[],
  spoil: (value: Uint8Array) => Uint8Array | null,
): Promise<string[]> {
  const node = stage.node(name)
  const rows = await rowsOf(stage, node, what, keys)
  if (rows.length === 0) throw new ScenarioError(`${name} has no such rows`)
  await stage.simulation.disks.damage(
    node,
    rows.map(({ key, value }) => ({ key, value: spoil(value) })),
  )
  return [`${rows.length} ${rows.length === 1 ? 'row' : 'rows'}`]
}

/** The rows of some keys (or of some actors' contexts) on a disk. */
async function rowsOf(
  stage: ScenarioStage,
  { disk }: SimNode,
  what: string,
  keys: readonly string[],
): Promise<KvRow[]> {
  const entries = keys.map((key) => entryKey(register(key)))
  const wanted = new Set(keys.map((key) => addressText(register(key))))
  const isEntry = ({ key }: KvRow) => entries.some((entry) => entry.equals(key))
  const isIndex = ({ key, value }: KvRow) =>
    isLiveRow(value) && wanted.has(addressText(decodeDotRow(key, value).address))
  switch (what) {
    case 'entry':
      return (await disk.all('entry')).filter(isEntry)
    case 'index':
      return (await disk.all('dot')).filter(isIndex)
    case 'both':
      return [...(await disk.all('entry')).filter(isEntry), ...(await disk.all('dot')).filter(isIndex)]
    case 'context': {
      const contexts = keys.map((name) => contextKey(stage.actorNamed(name)))
      return (await disk.all('context')).filter(({ key }) => contexts.some((context) => context.equals(key)))
    }
    default:
      throw new ScenarioError(`no such rows: ${what}`)
  }
}

function cut(stage: ScenarioStage, a: string, b: string, isOneWay: boolean): void {
  const { mesh } = stage.simulation
  mesh.block(stage.node(a).name, stage.node(b).name, true)
  if (!isOneWay) mesh.block(b, a, true)
}

/** Does what a plan of the simulator could do. */
export async function doAs(stage: ScenarioStage, words: readonly string[]): Promise<string[]> {
  await stage.simulation.perform({ atMs: stage.simulation.world.elapsedMs, words })
  return []
}

function protocolId(name: string): string {
  const id = protocols[name]
  if (id === undefined) throw new ScenarioError(`no such protocol: ${name}`)
  return id
}

/** The fate of frames between two nodes after so many of them passed; it strikes so many times. */
function counted(fate: 'waits' | 'breaks', pair: readonly string[], passes: number, times = Number.POSITIVE_INFINITY) {
  let left = passes
  let strikes = times
  return (from: string, to: string, what: 'open' | 'frame') => {
    if (what !== 'frame' || !pair.includes(from) || !pair.includes(to) || strikes === 0) return 'passes' as const
    if (left-- > 0) return 'passes' as const
    strikes--
    return fate
  }
}
