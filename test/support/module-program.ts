/** The program of a resolver module's thread, made from its source, so that tests need no build. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { buildSync } from 'esbuild'

/** Writes the program into a folder of its own; `remove` takes it away. */
export function makeModuleProgram(): { program: URL; remove: () => void } {
  const folder = mkdtempSync(join(tmpdir(), 'hearsay-program-'))
  const outfile = join(folder, 'module-worker.mjs')
  buildSync({
    entryPoints: [fileURLToPath(new URL('../../daemon/resolvers/module-worker.ts', import.meta.url))],
    outfile,
    format: 'esm',
    platform: 'node',
    target: 'node20.19',
  })
  return { program: pathToFileURL(outfile), remove: () => rmSync(folder, { recursive: true, force: true }) }
}
