/** Builds, bundles and runs a program over the demo mesh: `npm run screenshots [NAME…]`, `npm run explore [TIME]`. */
import { spawnSync } from 'node:child_process'
import { mkdirSync, rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = fileURLToPath(new URL('../..', import.meta.url))
const [name, ...args] = process.argv.slice(2)
const folder = process.env.HEARSAY_SCREENSHOTS ?? `${root}docs/images`
// As deep as the sources, so that these find the build from there.
const outfile = `${root}test/support/.${name}-${process.pid}.mjs`

const built = spawnSync(process.execPath, ['cli/bootstrap.mjs', 'build'], { cwd: root, stdio: 'inherit' })
if (built.status !== 0) process.exit(1)
try {
  mkdirSync(folder, { recursive: true })
  const entry = `${root}test/web/${name}/main.ts`
  const form = { bundle: true, platform: 'node', format: 'esm', packages: 'external', logLevel: 'warning' }
  await build({ entryPoints: [entry], outfile, ...form })
  const { status } = spawnSync(process.execPath, [outfile, folder, ...args], { cwd: root, stdio: 'inherit' })
  process.exitCode = status ?? 1
} finally {
  rmSync(outfile, { force: true })
}
