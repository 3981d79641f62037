/** The program of the thread that works on documents, made from its source, so that tests need no build. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { buildSync } from 'esbuild'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** Writes the program where it finds the packages that it needs; `remove` takes it away. */
export function makeDocumentProgram(): { program: URL; remove: () => void } {
  const cache = join(root, 'node_modules', '.cache')
  mkdirSync(cache, { recursive: true })
  const folder = mkdtempSync(join(cache, 'hearsay-documents-'))
  const outfile = join(folder, 'document-worker.mjs')
  buildSync({
    entryPoints: [join(root, 'daemon', 'documents', 'document-worker.ts')],
    outfile,
    bundle: true,
    packages: 'external',
    format: 'esm',
    platform: 'node',
    target: 'node20.19',
  })
  return { program: pathToFileURL(outfile), remove: () => rmSync(folder, { recursive: true, force: true }) }
}
