/** Programs of the daemon's threads, made from their sources, so that tests need no build. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { buildSync } from 'esbuild'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** A program in a folder of its own. */
export interface ThreadProgram {
  readonly program: URL
  /** Removes the folder. */
  remove(): void
}

/** Writes the program of the thread of a resolver's module. */
export function makeModuleProgram(): ThreadProgram {
  return make(join('daemon', 'resolvers', 'module-worker.ts'))
}

/** Writes the program of the thread that works on documents. */
export function makeDocumentProgram(): ThreadProgram {
  return make(join('daemon', 'documents', 'document-worker.ts'))
}

/** Bundles a program, and puts it where it finds the packages that it needs. */
function make(source: string): ThreadProgram {
  const cache = join(root, 'node_modules', '.cache')
  mkdirSync(cache, { recursive: true })
  const folder = mkdtempSync(join(cache, 'hearsay-program-'))
  const outfile = join(folder, 'program.mjs')
  buildSync({
    entryPoints: [join(root, source)],
    outfile,
    bundle: true,
    packages: 'external',
    format: 'esm',
    platform: 'node',
    target: 'node20.19',
  })
  return { program: pathToFileURL(outfile), remove: () => rmSync(folder, { recursive: true, force: true }) }
}
