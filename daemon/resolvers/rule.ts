/**
 * Interface of every rule, and the mark under which it is announced in the mesh: rules with equal marks settle
 * conflicts alike.
 */
import { siblingsMark } from '../../protocols/membership/core/rules.js'
import { ruleMarkBytes } from '../../protocols/membership/limits.js'
import { sha256 } from '../../store/model/digest.js'
import type { Sibling } from '../../store/model/register.js'
import type { Outcome } from '../../store/model/resolver.js'

/** One resolver. */
export interface Rule {
  /** See Resolvers in store/model/resolver.ts. */
  outcome(groups: readonly Sibling[]): Outcome
  /** Never rejects. */
  prepare(groups: readonly Sibling[]): Promise<void>
}

/** Raised when a release changes what a built-in resolver makes of the same versions. */
const builtInVersions: Readonly<Record<string, number>> = { lww: 1, 'json-merge': 1 }

const builtInDomain = 0x12
const moduleDomain = 0x13

/** The mark of a resolver that hearsay brings along; undefined for any other name. */
export function builtInMark(use: string): string | undefined {
  if (use === 'siblings') return siblingsMark
  const version = builtInVersions[use]
  return version === undefined ? undefined : markOf(builtInDomain, Buffer.from(`${use}/${version}`))
}

/** The mark of a module: by its bytes, wherever it lies. */
export function moduleMark(bytes: Uint8Array): string {
  return markOf(moduleDomain, bytes)
}

function markOf(domain: number, bytes: Uint8Array): string {
  return sha256(Buffer.concat([Buffer.of(domain), bytes])).toString('hex', 0, ruleMarkBytes)
}
