/**
 * The order in which test files start: those that take long by their nature first, so that none of them is left alone
 * at the end.
 */
import { relative } from 'node:path'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** Files and folders below `test/`, the slowest first; what is below none of them comes last. */
const slowest = [
  'faults/copies',
  'e2e/lab',
  'netns/',
  'e2e/stories',
  'e2e/daemon.',
  'faults/',
  'sim/',
  'e2e/',
  'web/',
  'property/',
  'conflicts/',
]

/** Sorts by place in that list, and within one as vitest does: by earlier durations, else by size. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    return sorted.toSorted((a, b) => rank(a) - rank(b))
  }
}

function rank({ moduleId, project }: TestSpecification): number {
  const path = relative(`${project.config.root}/test`, moduleId)
  const at = slowest.findIndex((place) => path.startsWith(place))
  return at < 0 ? slowest.length : at
}
