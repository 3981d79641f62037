/** Checks of single settings: names, addresses, resolvers. Each throws an Error that says what is wrong. */
import { isIPv4, isIPv6 } from 'node:net'
import { resolve } from 'node:path'
import { rulePrefixBytesMax, rulesAim } from '../../protocols/membership/limits.js'
import { modulesMax } from '../resolvers/limits.js'

/** A prefix of keys, and the resolver of their conflicts. */
export interface ResolverRule {
  /** Keys that start with it. */
  readonly prefix: string
  /** `siblings`, `lww`, `json-merge`, or the path of a module, absolute once it is loaded. */
  readonly use: string
}

/** An address to listen on for the API: what follows the last colon is the port. */
export interface ApiAddress {
  readonly host: string
  /** 0: any free one. */
  readonly port: number
}

const nameBytesMax = 64
const portMax = 65_535

/** Checks a node's name: short, printable, without spaces, and not the text form of a peer id. */
export function checkName(name: string): void {
  if (Buffer.byteLength(name) > nameBytesMax) throw new Error(`a name has at most ${nameBytesMax} bytes`)
  if (!/^[\p{L}\p{N}][\p{L}\p{N}._-]*$/u.test(name)) {
    throw new Error(`'${name}' is not a name: letters, digits, '.', '_' and '-' only`)
  }
  if (/^(12D3KooW|Qm)[1-9A-HJ-NP-Za-km-z]{40,}$/.test(name)) throw new Error('a name may not look like a peer id')
}

/** Checks a TCP multiaddr, for example `/ip4/0.0.0.0/tcp/7400`. */
export function checkMultiaddr(text: string): void {
  const match = /^\/(?:ip4|ip6|dns|dns4|dns6)\/[^/]+\/tcp\/(\d{1,5})(?:\/p2p\/[1-9A-HJ-NP-Za-km-z]+)?$/.exec(text)
  const [, kind, host] = text.split('/')
  const isHost = (kind !== 'ip4' || isIPv4(host!)) && (kind !== 'ip6' || isIPv6(host!))
  if (match === null || Number(match[1]) > portMax || !isHost) {
    throw new Error(`'${text}' is not a TCP multiaddr; write for example /ip4/0.0.0.0/tcp/7400`)
  }
}

/** Checks a multiaddr that is announced to others: they must be able to dial it. */
export function checkAnnounced(text: string): void {
  checkMultiaddr(text)
  const [, kind, host, , port] = text.split('/')
  if (Number(port) === 0)
    throw new Error(`'${text}' has port 0, which nobody can dial; write the port that is forwarded`)
  if ((kind === 'ip4' || kind === 'ip6') && anyAddress.test(host!)) {
    throw new Error(
      `'${text}' stands for all addresses of this machine, which nobody can dial; write the one that others reach`,
    )
  }
}

/** Matches 0.0.0.0 and all spellings of `::`. */
const anyAddress = /^(?:0+(?:\.0+)*|[0:]*)$/

/** Parses `HOST:PORT`, or a port alone for the loopback. */
export function parseApiAddress(text: string): ApiAddress {
  const match = /^(?:(?:\[([0-9a-fA-F:.]+)\]|([^:[\]/\s]+)):)?(\d{1,5})$/.exec(text)
  const port = Number(match?.[3])
  if (match === null || port > portMax) {
    throw new Error(`'${text}' is not an address; write for example 127.0.0.1:7480, [::1]:7480 or a port`)
  }
  return { host: match[1] ?? match[2] ?? '127.0.0.1', port }
}

/** Parses a list of resolver rules: objects with `prefix` and `use`, or the same list as JSON text. */
export function parseResolvers(raw: unknown): readonly ResolverRule[] {
  const list: unknown = typeof raw === 'string' ? parseJson(raw) : raw
  if (!Array.isArray(list)) throw new Error('a list of { prefix, use } is needed')
  const rules = list.map(parseResolver)
  const prefixes = new Set(rules.map((rule) => rule.prefix))
  if (prefixes.size < rules.length) throw new Error('a prefix is given twice')
  if (rules.length > rulesAim) throw new Error(`there are more than ${rulesAim} rules`)
  const modules = new Set(rules.map(({ use }) => use).filter((use) => use.includes('/')))
  if (modules.size > modulesMax)
    throw new Error(`there are more than ${modulesMax} modules, each of which has a thread`)
  return Object.freeze(rules)
}

/** Makes the paths of modules absolute: they are relative to the file that names them. */
export function withPathsFrom(folder: string, rules: readonly ResolverRule[]): readonly ResolverRule[] {
  return Object.freeze(
    rules.map(({ prefix, use }) => Object.freeze({ prefix, use: use.includes('/') ? resolve(folder, use) : use })),
  )
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new Error('in a variable or a flag, resolvers are a JSON list of { "prefix", "use" }')
  }
}

function parseResolver(raw: unknown): ResolverRule {
  if (typeof raw !== 'object' || raw === null) throw new Error('a list of { prefix, use } is needed')
  const { prefix, use, ...others } = raw as Record<string, unknown>
  const other = Object.keys(others)[0]
  if (other !== undefined) throw new Error(`a resolver has no '${other}'; it has prefix and use`)
  if (typeof prefix !== 'string') throw new Error("a resolver needs a 'prefix' (a text, which may be empty)")
  if (Buffer.byteLength(prefix) > rulePrefixBytesMax || /\p{Surrogate}/u.test(prefix)) {
    throw new Error(`the prefix of a resolver is well-formed text of at most ${rulePrefixBytesMax} bytes`)
  }
  if (typeof use !== 'string') throw new Error("a resolver needs a 'use'")
  if (!['siblings', 'lww', 'json-merge'].includes(use) && !/^\.{0,2}\/.+\.m?js$/.test(use)) {
    throw new Error(`'${use}' is not a resolver; use siblings, lww, json-merge, or the path of a module (./name.js)`)
  }
  return Object.freeze({ prefix, use })
}
