/**
 * The order in which test files start: those that take long by their nature first, so that none of them is left alone
 * at the end.
 */
import { relative } from 'node:path'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** Folders below `test/`, the slowest first; a folder that is not named comes last. */
const slowest = ['sim', 'faults', 'netns', 'e2e', 'property', 'conflicts']

/** Sorts by folder, and within a folder as vitest does: by earlier durations, else by size. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    return sorted.toSorted((a, b) => rank(a) - rank(b))
  }
}

function rank({ moduleId, project }: TestSpecification): number {
  const [, folder = ''] = relative(project.config.root, moduleId).split('/')
  const at = slowest.indexOf(folder)
  return at < 0 ? slowest.length : at
}
