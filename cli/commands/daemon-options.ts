/** The flags of `hearsay daemon`: one for each setting that the daemon knows; a test compares them. */
import type { OptionSpec } from '../command.js'

/** Flags in the order of the help. The daemon itself checks their values. */
export const daemonOptions: readonly OptionSpec[] = [
  { name: 'data', value: 'DIR', help: 'the data directory (HEARSAY_DATA)' },
  { name: 'name', value: 'NAME', help: "this node's name in the mesh; default: the host name" },
  { name: 'listen', value: 'MULTIADDR', repeatable: true, help: 'listen for peers, e.g. /ip4/0.0.0.0/tcp/7400' },
  { name: 'announce', value: 'MULTIADDR', repeatable: true, help: 'tell peers this address instead' },
  { name: 'join', value: 'TOKEN', help: 'join the mesh of an invitation at the first start' },
  { name: 'api', value: 'ADDR', repeatable: true, help: 'serve the API on host:port too' },
  { name: 'resp', value: 'ADDR', help: 'reserved for the Redis protocol, which this version does not serve' },
  { name: 'config', value: 'FILE', help: 'the configuration file; default: config.toml in the data directory' },
  { name: 'mdns', value: 'BOOL', valueOptional: true, help: 'find peers on the LAN; --mdns=false turns it off' },
  { name: 'durability', value: 'MODE', help: 'answer a write once it survives power loss (fsync), or sooner (os)' },
  { name: 'acks', value: 'N|majority|all', help: 'how many nodes must have a write, unless the request says' },
  { name: 'require-quorum', value: 'BOOL', valueOptional: true, help: 'refuse writes without a majority' },
  { name: 'consistency', value: 'LEVEL', help: 'how many nodes a read asks, unless the request says' },
  { name: 'resolvers', value: 'JSON', help: 'how conflicts below a prefix are merged' },
  { name: 'values-max-bytes', value: 'SIZE', help: 'the largest value that clients may write' },
  { name: 'log-max-bytes', value: 'SIZE', help: 'how much of the update log is kept for absent members' },
  { name: 'log-max-age', value: 'TIME', help: 'how long the update log is kept for absent members' },
  { name: 'sync-interval', value: 'TIME', help: 'how often anti-entropy runs with a random peer' },
  { name: 'heartbeat-interval', value: 'TIME', help: 'how often neighbours hear from this node' },
  {
    name: 'clock-bound',
    value: 'TIME',
    help: 'how far in the future the time of a version may be before it sorts last',
  },
  { name: 'log-format', value: 'FORMAT', help: 'text or json' },
  { name: 'log-level', value: 'LEVEL', help: 'silent, error, warn, info, debug or trace' },
]

/** Those that say how a daemon would start, beside where it is. */
export const startOptions: readonly OptionSpec[] = daemonOptions.filter(({ name }) => name !== 'data' && name !== 'api')
