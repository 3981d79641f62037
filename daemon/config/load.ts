/** Merges the settings: defaults, then the file, then the environment, then flags; checked once and frozen. */
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { HearsayError } from '../../store/errors.js'
import { systemFailure } from '../../store/system-errors.js'
import { withPathsFrom } from './checks.js'
import type { Knob, KnobSurroundings } from './knob.js'
import { flagOf, type KnobName, knobNames, knobs, type Settings, variableOf } from './knobs.js'
import { formatDuration, formatSize } from './parse.js'

/** Source of a value. */
export type Origin = 'default' | 'file' | 'environment' | 'flag'

/** The settings of a daemon, and where each came from. */
export interface Config {
  readonly settings: Settings
  readonly origins: Readonly<Record<KnobName, Origin>>
  /** The file that was read; null when there was none. */
  readonly file: string | null
  /** Notices for the operator, for example of unknown variables. */
  readonly warnings: readonly string[]
}

/** Inputs of the configuration; passed in so that tests need no real environment. */
export interface ConfigSources {
  /** Flags by their long names, as the command line hands them on; repeated ones as lists; absent ones left out. */
  readonly flags: Readonly<Record<string, unknown>>
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly home: string
  readonly hostname: string
}

/** Variables of the same prefix that are not the daemon's. */
const foreignVariables = new Set(['HEARSAY_API', 'HEARSAY_TOKEN', 'HEARSAY_CONFIG'])

/** Flags of every command that mean nothing to the daemon. */
const clientFlags = new Set(['json', 'token'])

type Layer = ReadonlyMap<KnobName, unknown>

/** Reads all sources. Throws BAD_CONFIG, naming the key, for anything unknown or wrong. */
export async function loadConfig(sources: ConfigSources): Promise<Config> {
  const { flags, configFlag } = flagLayer(sources.flags)
  const { variables, unknown } = variableLayer(sources.environment)
  const surroundings = surroundingsOf(sources)
  const early = expandHome(
    String(flags.get('data') ?? variables.get('data') ?? surroundings.dataDirectory),
    sources.home,
  )
  const named = configFlag ?? sources.environment.HEARSAY_CONFIG
  const file = named === undefined ? join(resolve(early), 'config.toml') : resolve(named)
  const layers: [Origin, Layer][] = [
    ['file', await fileLayer(file, named !== undefined)],
    ['environment', variables],
    ['flag', flags],
  ]
  return assemble(layers, surroundings, {
    file: layers[0]![1].size > 0 || existsSync(file) ? file : null,
    warnings: unknown.map((name) => `the variable ${name} is not a setting; remove it or correct its name`),
  })
}

/** The default data directory: `$XDG_DATA_HOME/hearsay`, else `~/.local/share/hearsay`. */
export function defaultDataDirectory(environment: ConfigSources['environment'], home: string): string {
  const base = environment.XDG_DATA_HOME
  return join(base?.startsWith('/') ? base : join(home, '.local', 'share'), 'hearsay')
}

function expandHome(path: string, home: string): string {
  return path.replace(/^~(?=\/|$)/, home)
}

function surroundingsOf(sources: ConfigSources): KnobSurroundings {
  const name = sources.hostname.replace(/[^\p{L}\p{N}._-]/gu, '-').replace(/^[^\p{L}\p{N}]+/u, '')
  return {
    home: sources.home,
    hostname: name.slice(0, 32) || 'node',
    dataDirectory: defaultDataDirectory(sources.environment, sources.home),
  }
}

function assemble(
  layers: readonly [Origin, Layer][],
  surroundings: KnobSurroundings,
  rest: Pick<Config, 'file' | 'warnings'>,
): Config {
  const settings: Record<string, unknown> = {}
  const origins: Record<string, Origin> = {}
  for (const name of knobNames) {
    const knob: Knob<unknown> = knobs[name]
    settings[name] = knob.fallback(surroundings)
    origins[name] = 'default'
    for (const [origin, layer] of layers) {
      if (!layer.has(name)) continue
      settings[name] = parse(name, layer.get(name), origin)
      origins[name] = origin
    }
  }
  settings.data = resolve(expandHome(String(settings.data), surroundings.home))
  const folder = origins.resolvers === 'file' && rest.file !== null ? dirname(rest.file) : '.'
  settings.resolvers = withPathsFrom(folder, settings.resolvers as Settings['resolvers'])
  return Object.freeze({
    settings: Object.freeze(settings) as unknown as Settings,
    origins: Object.freeze(origins) as Config['origins'],
    ...rest,
  })
}

function parse(name: KnobName, raw: unknown, origin: Origin): unknown {
  try {
    return (knobs[name] as Knob<unknown>).parse(raw)
  } catch (error) {
    const where = {
      default: name,
      file: `${name} in the file`,
      environment: variableOf(name),
      flag: `--${flagOf(name)}`,
    }
    throw bad(name, `${where[origin]}: ${(error as Error).message}`)
  }
}

function bad(key: string, message: string): HearsayError {
  return new HearsayError('BAD_CONFIG', message, { key })
}

const plain = (name: string) => name.toLowerCase().replace(/[^a-z0-9]/g, '')

function flagLayer(flags: ConfigSources['flags']): { flags: Layer; configFlag: string | undefined } {
  const byPlainName = new Map(knobNames.map((name) => [plain(name), name]))
  const layer = new Map<KnobName, unknown>()
  let configFlag: string | undefined
  for (const [flag, value] of Object.entries(flags)) {
    if (value === undefined || (Array.isArray(value) && value.length === 0)) continue
    const name = byPlainName.get(plain(flag))
    if (name !== undefined) layer.set(name, value)
    else if (flag === 'config') configFlag = String(value)
    else if (clientFlags.has(flag)) continue
    else throw bad(flag, `there is no flag --${flag}; \`hearsay daemon --help\` lists them`)
  }
  return { flags: layer, configFlag }
}

function variableLayer(environment: ConfigSources['environment']): { variables: Layer; unknown: string[] } {
  const byVariable = new Map(knobNames.map((name) => [variableOf(name), name]))
  const variables = new Map<KnobName, unknown>()
  const unknown: string[] = []
  for (const [variable, value] of Object.entries(environment)) {
    if (!variable.startsWith('HEARSAY_') || value === undefined) continue
    const name = byVariable.get(variable)
    if (name !== undefined) variables.set(name, value)
    else if (!foreignVariables.has(variable)) unknown.push(variable)
  }
  return { variables, unknown: unknown.sort() }
}

async function fileLayer(file: string, isRequired: boolean): Promise<Layer> {
  if (!existsSync(file)) {
    if (isRequired) throw bad('config', `there is no file ${file}; correct --config or leave it out`)
    return new Map()
  }
  const { parse: parseToml } = await import('smol-toml')
  try {
    const layer = flatten(parseToml(new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(file))), file)
    if (!isRequired && layer.has('data')) {
      throw bad('data', `'data' in ${file}: a data directory's own file cannot move it; use --data or --config`)
    }
    return layer
  } catch (error) {
    if (error instanceof HearsayError) throw error
    const refused = systemFailure(error)
    throw bad('config', refused?.message ?? `${file} cannot be read as TOML: ${(error as Error).message}`)
  }
}

/** `{ log: { maxBytes } }` as `log.maxBytes`. */
function flatten(table: Record<string, unknown>, file: string): Layer {
  const layer = new Map<KnobName, unknown>()
  const sections = new Set(knobNames.filter((name) => name.includes('.')).map((name) => name.split('.')[0]!))
  const add = (name: string, value: unknown) => {
    if (!knobNames.includes(name as KnobName)) throw bad(name, unknownKey(name, file))
    layer.set(name as KnobName, value)
  }
  for (const [key, value] of Object.entries(table)) {
    const isSection = sections.has(key) && typeof value === 'object' && value !== null
    if (isSection) for (const [inner, deep] of Object.entries(value)) add(`${key}.${inner}`, deep)
    else add(key, value)
  }
  return layer
}

function unknownKey(name: string, file: string): string {
  const near = knobNames.find((known) => plain(known) === plain(name) || plain(known).startsWith(plain(name)))
  return `'${name}' in ${file} is not a setting${near === undefined ? '' : `; did you mean '${near}'?`}`
}

/** One line of `hearsay config`. */
export interface EffectiveSetting {
  readonly name: KnobName
  /** The value as the file would have it; a secret is replaced by `(secret)`. */
  readonly value: unknown
  readonly origin: Origin
  readonly flag: string
  readonly variable: string | null
}

/** The effective values and where each comes from, in the order of the table. */
export function effectiveSettings(config: Config): EffectiveSetting[] {
  return knobNames.map((name) => ({
    name,
    value: shown(name, config.settings[name]),
    origin: config.origins[name],
    flag: `--${flagOf(name)}`,
    variable: variableOf(name) ?? null,
  }))
}

function shown(name: KnobName, value: unknown): unknown {
  const knob: Knob<unknown> = knobs[name]
  if (knob.isSecret === true && value !== null) return '(secret)'
  if (knob.unit === 'duration') return formatDuration(value as number)
  if (knob.unit === 'size') return formatSize(value as number)
  return value
}
