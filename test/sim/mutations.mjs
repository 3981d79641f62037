/** Deliberate bugs: edits that the bundler puts into the production code of one simulator. Each must be caught. */
import { dataMutations } from './mutations-data.mjs'
import { foldMutations } from './mutations-folds.mjs'
import { machineMutations } from './mutations-machines.mjs'
import { storeMutations } from './mutations-store.mjs'
import { syncMutations } from './mutations-sync.mjs'
import { versionMutations } from './mutations-versions.mjs'
import { wireMutations } from './mutations-wire.mjs'

/**
 * Every mutation: its name, what is wrong with it in words, and its edits; each edit must fit the code exactly once.
 */
export const mutations = [
  ...syncMutations,
  ...storeMutations,
  ...dataMutations,
  ...versionMutations,
  ...foldMutations,
  ...machineMutations,
  ...wireMutations,
]
