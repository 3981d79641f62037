import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'
import { LongestFirst } from './test/support/longest-first.js'

/** Tests of real daemons wait more than they compute: two of them fit on a core. */
const workersEachCore = 2

/**
 * Real daemons and clocks, the simulator's processes, and what loads modules in two forms: each file in a worker of its
 * own.
 */
const isolated = [
  'test/e2e/**/*.test.ts',
  'test/faults/**/*.test.ts',
  'test/netns/**/*.test.ts',
  'test/sim/**/*.test.ts',
  'test/web/**/*.test.ts',
  'test/unit/two-builds.test.ts',
  'test/unit/union-bound.test.ts',
]

export default defineConfig({
  test: {
    testTimeout: 60_000,
    hookTimeout: 60_000,
    maxWorkers: workersEachCore * availableParallelism(),
    sequence: { sequencer: LongestFirst },
    projects: [
      // A busy machine makes real processes slow; each wait has a bound of its own.
      { extends: true, test: { name: 'isolated', include: isolated, testTimeout: 180_000, hookTimeout: 180_000 } },
      // Modules are loaded once for all of these files, which takes a third off their time: none of them may change
      // what others see.
      { extends: true, test: { name: 'shared', include: ['test/**/*.test.ts'], exclude: isolated, isolate: false } },
    ],
  },
})
