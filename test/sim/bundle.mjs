/**
 * Bundles the simulator with the production code in it; small limits and deliberate bugs are put in on the way, never
 * in the sources.
 */
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { edited } from './edits.mjs'
import { smallLimits } from './small-limits.mjs'

export const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..')
const outFolder = join(root, 'node_modules', '.cache', 'hearsay-sim')

/**
 * Bundles the simulator. `mutation`: a deliberate bug ({ name, edits: [{ file, find, replace }] }).
 * Returns the path of the bundle. Throws when an edit no longer fits the code.
 */
export async function bundle(mutation) {
  const edits = [...smallLimits, ...(mutation?.edits ?? [])]
  const unused = new Set(edits)
  const outfile = join(outFolder, `${mutation?.name ?? 'correct'}.mjs`)
  await mkdir(outFolder, { recursive: true })
  const result = await build({
    entryPoints: [join(root, 'test', 'sim', 'main.ts')],
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    write: false,
    sourcemap: 'inline',
    external: ['classic-level', '@automerge/automerge'],
    logLevel: 'silent',
    plugins: [editing(edits, unused)],
    banner: {
      js: "import { createRequire as sim_createRequire } from 'node:module'; const require = sim_createRequire(import.meta.url);",
    },
  })
  if (unused.size > 0) {
    const names = [...unused].map(({ file, find }) => `${file}: ${find}`).join('\n')
    throw new Error(`edits that no longer fit the code:\n${names}`)
  }
  // Several runs may bundle at once: none may import what another has half written.
  const whole = `${outfile}.${process.pid}.tmp`
  await writeFile(whole, result.outputFiles[0].contents)
  await rename(whole, outfile)
  return outfile
}

/** Puts each edit into its file; each must fit exactly once. */
function editing(edits, unused) {
  const files = new Map()
  for (const edit of edits) files.set(edit.file, [...(files.get(edit.file) ?? []), edit])
  return {
    name: 'edits',
    setup(builder) {
      builder.onLoad({ filter: /\.ts$/ }, async ({ path }) => {
        const file = relative(root, path).replaceAll('\\', '/')
        const wanted = files.get(file)
        if (wanted === undefined) return undefined
        let contents = await readFile(path, 'utf8')
        for (const edit of wanted) {
          contents = edited(contents, edit)
          unused.delete(edit)
        }
        return { contents, loader: 'ts' }
      })
    },
  }
}
