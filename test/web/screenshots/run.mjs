/** Bundles the maker of the pictures and runs it on a fresh build: `npm run screenshots [NAME…]`. */
import { spawnSync } from 'node:child_process'
import { mkdirSync, rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const built = spawnSync(process.execPath, ['cli/bootstrap.mjs', 'build'], { cwd: root, stdio: 'inherit' })
if (built.status !== 0) process.exit(1)
// As deep as the sources, so that these find the build from there.
const outfile = `${root}test/support/.screenshots-${process.pid}.mjs`
const folder = process.env.HEARSAY_SCREENSHOTS ?? `${root}docs/images`
try {
  mkdirSync(folder, { recursive: true })
  await build({
    entryPoints: [`${root}test/web/screenshots/main.ts`],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    packages: 'external',
    logLevel: 'warning',
  })
  process.exitCode =
    spawnSync(process.execPath, [outfile, folder, ...process.argv.slice(2)], { cwd: root, stdio: 'inherit' }).status ??
    1
} finally {
  rmSync(outfile, { force: true })
}
