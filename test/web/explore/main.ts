/**
 * Random exploration of the dashboard over the demo mesh by Bombadil, for a minute: `npm run explore`. It is fetched by
 * npx when it is asked for.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DemoDashboard } from '../../support/demo-dashboard.js'
import { restingMembers } from '../../support/demo-mesh.js'

const [, time = '1m'] = process.argv.slice(2)
const demo = await DemoDashboard.start(restingMembers(Date.now()))
const trace = mkdtempSync(join(tmpdir(), 'hearsay-explore-'))
const options = ['--headless', '--no-sandbox', '--exit-on-violation', '--time-limit', time, '--output-path', trace]
const tool = ['--yes', '@antithesishq/bombadil@0.7.0', 'browser', 'test', ...options, demo.url]
console.log(`the trace is in ${trace}`)
const explorer = spawn('npx', tool, { stdio: 'inherit' })
const [exit] = (await once(explorer, 'close')) as [number | null]
await demo.stop()
process.exit(exit ?? 1)
