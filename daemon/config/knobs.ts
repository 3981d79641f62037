/**
 * The one table of everything that can be set; the example file, the flags, the variables and `hearsay config` come
 * from it.
 */
import { clientValueBytesDefault, clockBoundMsDefault, valueBytesMax } from '../../store/model/limits.js'
import {
  checkAnnounced,
  checkMultiaddr,
  checkName,
  parseApiAddress,
  parseResolvers,
  type ResolverRule,
} from './checks.js'
import { acksKnob, choiceKnob, durationKnob, type Knob, listKnob, sizeKnob, switchKnob, textKnob } from './knob.js'

const second = 1000
const day = 86_400 * second
const mebibyte = 1024 * 1024

/** Every knob by its name in the file: `a.b` is the key `b` of the table `[a]`. */
export const knobs = {
  data: textKnob((at) => at.dataDirectory, {
    about: 'The data directory. It is made with mode 0700; one daemon may use it at a time.',
    tradeOff: 'A fast local disk makes every durable write faster; a network disk may not keep its promises.',
    example: '~/.local/share/hearsay',
  }),
  name: textKnob(
    (at) => at.hostname,
    {
      about: 'The name of this node, as others see it.',
      tradeOff: 'Two nodes with one name still work, but can then be addressed by their peer ids only.',
      example: 'the host name',
    },
    checkName,
  ),
  listen: listKnob(
    ['/ip4/0.0.0.0/tcp/7400', '/ip6/::/tcp/7400'],
    {
      about: 'Where to listen for peers; port 0 picks a free one.',
      tradeOff: 'A fixed port can be opened in a firewall and is found again after a restart.',
    },
    checkMultiaddr,
  ),
  announce: listKnob(
    [],
    {
      about: 'Addresses that peers are told instead of those listened on (port forwarding, containers).',
      tradeOff: 'A wrong one makes this node unreachable for peers that it does not dial itself.',
    },
    checkAnnounced,
  ),
  api: listKnob(
    [],
    {
      about:
        'Addresses of the HTTP API over TCP, beside the Unix socket. Each request then needs the token in api.token.',
      tradeOff: 'Anything but the loopback sends the token over the network in the clear.',
      hasVariable: false,
    },
    (text) => void parseApiAddress(text),
  ),
  resp: textKnob<string | null>(
    () => null,
    {
      about:
        'Reserved for the address of the Redis protocol, which this version does not serve: nothing listens, and the daemon warns.',
      tradeOff: 'Setting it changes nothing but the warning.',
      example: '127.0.0.1:7379',
    },
    (text) => void parseApiAddress(text),
  ),
  join: textKnob<string | null>(() => null, {
    about: 'A token of `hearsay invite`, to join a mesh at the first start; ignored once the node is in that mesh.',
    tradeOff: 'The token holds the mesh secret: prefer `hearsay join`, which leaves none in a file.',
    example: 'hearsay-…',
    isSecret: true,
  }),
  mdns: switchKnob(true, {
    about: 'Finds the peers of this mesh on the local network by itself.',
    tradeOff: 'Off: nothing is announced on the network; peers must then be reachable by address.',
  }),
  durability: choiceKnob('fsync', ['fsync', 'os'], {
    about: 'When a write is answered: `fsync` once it survives power loss, `os` once the operating system has it.',
    tradeOff: '`os` is several times faster and loses the last writes of this node on power loss.',
  }),
  acks: acksKnob({
    about:
      'How many nodes must have a write durably before it is answered, unless the request says: a number, majority or all.',
    tradeOff: 'More is safer and slower, and fails when too few nodes can be reached.',
  }),
  requireQuorum: switchKnob(false, {
    about:
      'Refuses writes unless a majority of the members answers after the request came, or the request says otherwise.',
    tradeOff: 'On: the smaller side of a partition is read-only.',
  }),
  consistency: choiceKnob('one', ['one', 'majority', 'all'], {
    about: 'How many nodes a read asks, unless the request says.',
    tradeOff: 'More sees newer writes, is slower, and fails when too few nodes can be reached.',
  }),
  resolvers: {
    unit: 'table',
    fallback: () => Object.freeze([]) as readonly ResolverRule[],
    parse: parseResolvers,
    about:
      'What is shown of conflicting versions below a key prefix, and kept by the next write: `siblings` all of them, `lww` the last, `json-merge` JSON texts united, a path the result of that module (an absolute one, or ./ from this file). The longest prefix counts.',
    tradeOff:
      '`lww` drops what was written at the same time elsewhere. Give all nodes the same rules, or they show different values of one key.',
    example: '[{ prefix = "cache/", use = "lww" }, { prefix = "notes/", use = "json-merge" }]',
  } satisfies Knob<readonly ResolverRule[]>,
  logFormat: choiceKnob('text', ['text', 'json'], {
    about: 'The form of the daemon’s messages: lines for people on stderr, or one JSON object a line.',
    tradeOff: 'json is for programs; the ready line on stdout follows it too.',
  }),
  logLevel: choiceKnob('info', ['silent', 'error', 'warn', 'info', 'debug', 'trace'], {
    about: 'The least severe level of messages that are written.',
    tradeOff: 'debug and trace log every session and request, which costs time.',
  }),
  'values.maxBytes': sizeKnob(
    clientValueBytesDefault,
    { min: 1, max: valueBytesMax },
    {
      about: 'The largest value that a client of this node may write.',
      tradeOff:
        'Values are held in memory while they are written and sent; peers accept up to 64MiB whatever is set here.',
    },
  ),
  'log.maxBytes': sizeKnob(
    256 * mebibyte,
    { min: 0, max: Number.MAX_SAFE_INTEGER },
    {
      about: 'How much of the update log is kept for absent members.',
      tradeOff:
        'More takes more disk, and lets members that were away for long catch up from the log, which is the cheapest way.',
    },
  ),
  'log.maxAge': durationKnob(
    30 * day,
    { min: 0, max: 3650 * day },
    {
      about: 'How long the update log is kept for absent members.',
      tradeOff: 'As for log.maxBytes; beyond either limit Merkle sync takes over, and nothing is lost.',
    },
  ),
  'sync.interval': durationKnob(
    10 * second,
    { min: 50, max: day },
    {
      about: 'How often anti-entropy runs with a random peer, give or take a quarter.',
      tradeOff: 'Shorter repairs sooner what gossip missed; an equal peer costs next to nothing.',
    },
  ),
  'heartbeat.interval': durationKnob(
    second,
    { min: 50, max: 60 * second },
    {
      about:
        'How often neighbours hear from this node. A peer from which nothing has come for three and a half intervals counts as gone.',
      tradeOff: 'Shorter notices a cut sooner, and costs more when idle. Set it alike on all nodes.',
    },
  ),
  'clock.bound': durationKnob(
    clockBoundMsDefault,
    { min: second, max: day },
    {
      about: 'How far in the future the time of a version may lie before it is shown behind all others.',
      tradeOff: 'Smaller keeps a wrong clock from winning; it must exceed the real differences between clocks.',
    },
  ),
} satisfies Record<string, Knob<never> | Knob<unknown>>

/** The name of a knob. */
export type KnobName = keyof typeof knobs

/** The parsed values of all knobs: durations in milliseconds, sizes in bytes. */
export type Settings = {
  readonly [Name in KnobName]: (typeof knobs)[Name] extends Knob<infer T> ? T : never
}

/** Every name, in the order of the table. */
export const knobNames = Object.keys(knobs) as KnobName[]

/** The long flag of a knob without its dashes: `log.maxBytes` is `log-max-bytes`. */
export function flagOf(name: KnobName): string {
  return name.replace('.', '-').replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
}

/** The environment variable of a knob: `log.maxBytes` is `HEARSAY_LOG_MAX_BYTES`; undefined when it has none. */
export function variableOf(name: KnobName): string | undefined {
  const knob: Knob<unknown> = knobs[name]
  return knob.hasVariable === false ? undefined : `HEARSAY_${flagOf(name).replaceAll('-', '_').toUpperCase()}`
}
