/** The resolvers of one node, as its configuration says: the rule with the longest prefix that fits a key. */

import { isUtf8 } from 'node:buffer'
import { readFile, stat } from 'node:fs/promises'
import type { RuleMark } from '../../protocols/membership/core/rules.js'
import type { Environment } from '../../store/environment.js'
import type { Sibling } from '../../store/model/register.js'
import type { Outcome, Resolvers } from '../../store/model/resolver.js'
import type { ResolverRule } from '../config/checks.js'
import type { Log } from '../log/log.js'
import { JsonMergeRule, lastWriteRule, siblingsRule } from './built-in.js'
import { moduleBytesMax } from './limits.js'
import { ModuleRule } from './module-rule.js'
import { ResultCache } from './result-cache.js'
import { builtInMark, moduleMark, type Rule } from './rule.js'

/** Options of a node's resolvers. */
export interface ResolverOptions {
  readonly environment: Environment
  readonly log: Log
  /** The program of modules' threads; another one only in tests, which run from sources. */
  readonly program?: URL
}

interface PrefixRule {
  readonly prefix: string
  readonly rule: Rule
}

/** All rules of one node. */
export class NodeResolvers implements Resolvers {
  /** Longest prefix first. */
  readonly #rules: readonly PrefixRule[]
  readonly #modules: readonly ModuleRule[]
  /** The marks that are announced to the mesh; sorted by prefix. */
  readonly marks: readonly RuleMark[]

  private constructor(rules: readonly PrefixRule[], modules: readonly ModuleRule[], marks: readonly RuleMark[]) {
    this.#rules = [...rules].sort((a, b) => b.prefix.length - a.prefix.length)
    this.#modules = modules
    this.marks = [...marks].sort((a, b) => (a.prefix < b.prefix ? -1 : 1))
  }

  /**
   * Reads the modules that the rules name, each once; what is wrong with one becomes a warning, and its conflicts stay
   * siblings. Modules are loaded and checked in the background. Never rejects.
   */
  static async load(rules: readonly ResolverRule[], options: ResolverOptions): Promise<NodeResolvers> {
    const cache = new ResultCache()
    const jsonMerge = new JsonMergeRule(cache, () => options.environment.yieldTurn())
    const modules = new Map<string, { rule: ModuleRule; mark: string }>()
    const marks: RuleMark[] = []
    const prefixRules: PrefixRule[] = []
    for (const { prefix, use } of rules) {
      const builtIn = builtInMark(use)
      if (builtIn === undefined && !modules.has(use)) modules.set(use, await loadModule(use, cache, options))
      const module = modules.get(use)
      marks.push({ prefix, mark: builtIn ?? module!.mark })
      prefixRules.push({
        prefix,
        rule: module?.rule ?? { 'json-merge': jsonMerge, lww: lastWriteRule }[use] ?? siblingsRule,
      })
    }
    return new NodeResolvers(
      prefixRules,
      [...modules.values()].map(({ rule }) => rule),
      marks,
    )
  }

  outcome(key: string, groups: readonly Sibling[]): Outcome {
    return this.#ruleFor(key).outcome(groups)
  }

  prepare(key: string, groups: readonly Sibling[]): Promise<void> {
    return this.#ruleFor(key).prepare(groups)
  }

  /** Warnings for the operator. */
  warnings(): string[] {
    return this.#modules.flatMap((module) => module.warnings())
  }

  /** Resolves once every module has been checked. */
  async checked(): Promise<void> {
    await Promise.all(this.#modules.map((module) => module.checked))
  }

  /** Ends the threads; what they have not resolved stays siblings. */
  stop(): void {
    for (const module of this.#modules) module.stop()
  }

  #ruleFor(key: string): Rule {
    return this.#rules.find(({ prefix }) => key.startsWith(prefix))?.rule ?? siblingsRule
  }
}

async function loadModule(path: string, cache: ResultCache, options: ResolverOptions) {
  const source = await readModule(path)
  // One that cannot be read here is another rule than the same one elsewhere.
  const mark = moduleMark(Buffer.from(typeof source === 'string' ? source : ''))
  return { rule: new ModuleRule({ ...options, name: path, source, cache }), mark }
}

/** The text of a module; or why there is none. Never rejects. */
export async function readModule(path: string): Promise<string | { readonly reason: string }> {
  try {
    const { size, isFile } = await statOf(path)
    if (!isFile) return { reason: 'it is not a file' }
    if (size > moduleBytesMax) return { reason: `it has ${size} bytes, more than ${moduleBytesMax}` }
    const bytes = await readFile(path)
    return isUtf8(bytes) ? bytes.toString() : { reason: 'it is not UTF-8' }
  } catch (error) {
    return { reason: `it cannot be read (${(error as NodeJS.ErrnoException).code ?? String(error)})` }
  }
}

async function statOf(path: string): Promise<{ size: number; isFile: boolean }> {
  const stats = await stat(path)
  return { size: stats.size, isFile: stats.isFile() }
}
