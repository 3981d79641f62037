/**
 * Deliberate bugs in what is done about machines that sleep, are copied or go back in time, and about peers that lie.
 */
import { one } from './mutation.mjs'

/** As in mutations.mjs. */
export const machineMutations = [
  one(
    'clash-is-known',
    'another content under a known dot is taken for what is known',
    'store/replica/effects.ts',
    '    if (ours === undefined || !differs(ours, theirs, update.address)) return undefined\n',
    '    if (theirs !== null) return undefined\n',
  ),
]
