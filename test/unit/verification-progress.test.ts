/** Progress of a verification: rows looked at, and of about how many, while it runs and not after it. */
import { expect, it } from 'vitest'
import { verifySliceRows } from '../../store/replica/limits.js'
import { openNode, putOver } from '../support/replicas.js'
import { StillEnvironment } from '../support/still-environment.js'

/** Notes something at each turn that is yielded. */
class WatchedEnvironment extends StillEnvironment {
  atTurn: () => void = () => {}

  override yieldTurn(): Promise<void> {
    this.atTurn()
    return super.yieldTurn()
  }
}

it('counts the rows of entries and index, and ends at about what was said at first', async () => {
  const environment = new WatchedEnvironment('progress')
  const node = await openNode('progress', {}, environment)
  const keys = 2 * verifySliceRows
  for (let key = 0; key < keys; key++) await putOver(node, `key/${key}`)
  const { health } = node.replica
  expect(health.progress).toBeNull()
  const seen: { rows: number; ofAbout: number }[] = []
  environment.atTurn = () => {
    if (health.progress !== null) seen.push(health.progress)
  }
  await health.verify()
  expect(seen.length).toBeGreaterThan(3)
  expect(seen.map(({ rows }) => rows)).toEqual(seen.map(({ rows }) => rows).toSorted((a, b) => a - b))
  for (const { rows, ofAbout } of seen) expect(rows).toBeLessThanOrEqual(ofAbout)
  expect(new Set(seen.map(({ ofAbout }) => ofAbout))).toEqual(new Set([2 * keys]))
  expect(seen.at(-1)!.rows).toBeGreaterThan(keys)
  expect(health.progress).toBeNull()
})
