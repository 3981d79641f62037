/** Errors of a comparison with a peer that came to nothing. */
import type { PeerId } from '../../protocols/network.js'
import { comparesNot } from '../../protocols/sync/core/comparing.js'
import { HearsayError } from '../../store/errors.js'

/** The error for the reason with which a comparison ended. */
export function comparisonFailure(name: string, peer: PeerId, ended: string): HearsayError {
  const details = { peer, ended }
  switch (ended) {
    case 'unverified here':
      return new HearsayError('NOT_VERIFIED', 'the store of this node is still being verified; try again in a moment')
    case 'unverified':
      return new HearsayError('NOT_VERIFIED', `${name} still verifies its store; try again in a moment`, details)
    case comparesNot:
    case 'version':
      return new HearsayError('PEER_TOO_OLD', `${name} runs a version that compares only to sync; upgrade it`, details)
    case 'busy here':
    case 'bulk':
    case 'crossed':
      return new HearsayError('TOO_BUSY', `other comparisons or syncs are under way; try again in a moment`, details)
    case 'damage':
      return new HearsayError('NOT_VERIFIED', 'damage was found meanwhile, and is being repaired; try again', details)
    default:
      return new HearsayError('UNREACHABLE', `the comparison with ${name} broke off (${ended}); try again`, details)
  }
}
