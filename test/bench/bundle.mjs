/**
 * Bundles the benchmarks and the processes that they start: sources run as they stand, and find their files where the
 * sources are.
 */
import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build } from 'esbuild'

const here = dirname(fileURLToPath(import.meta.url))
const root = join(here, '..', '..')

/** In a bundle, `import.meta.url` would be that of the bundle. */
const ownPlaces = {
  name: 'own places',
  setup({ onLoad }) {
    onLoad({ filter: /\.ts$/ }, ({ path }) => {
      const source = readFileSync(path, 'utf8')
      return { loader: 'ts', contents: source.replaceAll('import.meta.url', JSON.stringify(pathToFileURL(path).href)) }
    })
  },
}

/**
 * Builds every benchmark of these names, and every process that they start, into one folder.
 * @param {readonly string[]} names
 * @returns {Promise<string>} the folder
 */
export async function bundleBenchmarks(names) {
  const children = readdirSync(join(here, 'children')).map((file) => file.replace(/\.ts$/, ''))
  const entryPoints = {
    main: join(here, 'main.ts'),
    report: join(here, 'report', 'report.ts'),
    ...Object.fromEntries(names.map((name) => [`bench/${name}`, join(here, `${name}.bench.ts`)])),
    ...Object.fromEntries(children.map((name) => [`children/${name}`, join(here, 'children', `${name}.ts`)])),
  }
  return bundlePrograms(entryPoints, 'hearsay-bench')
}

/**
 * Builds programs into one folder below node_modules/.cache.
 * @param {Readonly<Record<string, string>>} entryPoints the source of each, by the name that it gets
 * @param {string} name the folder's
 * @returns {Promise<string>} the folder
 */
export async function bundlePrograms(entryPoints, name) {
  const folder = join(root, 'node_modules', '.cache', name)
  mkdirSync(folder, { recursive: true })
  await build({
    entryPoints,
    outdir: folder,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    splitting: true,
    platform: 'node',
    format: 'esm',
    target: 'node20.19',
    packages: 'external',
    logLevel: 'warning',
    plugins: [ownPlaces],
  })
  return folder
}
