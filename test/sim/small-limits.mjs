/** Limits made small for simulated nodes, so that a few dozen keys reach what otherwise takes thousands: deep trees, many messages, announcements. */

const limit = (file, name, from, to) => ({
  file,
  find: `export const ${name} = ${from}\n`,
  replace: `export const ${name} = ${to}\n`,
})

/** Edits of limits; each must fit the code exactly once. */
export const smallLimits = [
  // A simulated node may take no great values in sessions.
  {
    file: 'protocols/sync/service.ts',
    find: 'valueBytesMax: this.#options.valueBytesMax ?? valueBytesMax }',
    replace: 'valueBytesMax: this.#options.network.valueBytesMax ?? valueBytesMax }',
  },
  limit('store/merkle/leaf.ts', 'leafEntriesMax', '32', '4'),
  limit('store/replica/limits.ts', 'chainMax', '10_000', '20'),
  limit('store/replica/limits.ts', 'trimIntervalMs', '2_000', '700'),
  limit('store/replica/limits.ts', 'trimRowsMax', '1_000', '5'),
  limit('store/replica/limits.ts', 'verifySliceRows', '256', '8'),
  limit('store/replica/limits.ts', 'digestSweepRowsMax', '2_000', '20'),
  limit('store/replica/limits.ts', 'digestSweepIntervalMs', '60_000', '5_000'),
  limit('store/replica/limits.ts', 'retryKeepCount', '100_000', '3'),
  limit('store/replica/limits.ts', 'retryPruneIntervalMs', '600_000', '1_500'),
  limit('store/replica/limits.ts', 'expiryGraceMs', '60_000', '3_000'),
  limit('store/replica/limits.ts', 'expiryJitterMs', '30_000', '2_000'),
  limit('store/replica/limits.ts', 'expirySweepMs', '10_000', '1_500'),
  limit('store/replica/limits.ts', 'expirySweepMax', '500', '2'),
  limit('protocols/sync/limits.ts', 'helloListingMax', '256', '6'),
  limit('protocols/sync/limits.ts', 'listingMax', '32', '2'),
  limit('protocols/sync/limits.ts', 'messageEntriesAim', '256', '3'),
  limit('protocols/sync/limits.ts', 'deltaBytesAim', '256 * 1024', '400'),
  limit('protocols/sync/limits.ts', 'messageBytesAim', '128 * 1024', '1_000'),
  limit('protocols/sync/limits.ts', 'entryBytesAim', '1024 * 1024', '3_000'),
  limit('protocols/sync/limits.ts', 'youngMs', '2_000', '500'),
  limit('protocols/sync/limits.ts', 'pieceBytesMax', '256 * 1024', '600'),
  limit('protocols/gossip/limits.ts', 'gossipBytesMax', '64 * 1024', '1_200'),
  limit('protocols/gossip/limits.ts', 'fetchFrameBytes', '256 * 1024', '900'),
]
