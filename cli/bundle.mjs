/**
 * Bundles the command line, the client, the daemon and its dashboard: `node cli/bundle.mjs [OUTPUT FOLDER]`, dist/ when
 * absent.
 */
import { chmodSync, copyFileSync, mkdirSync, readFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..')

/** Modules of the daemon: the command line starts fast because it has none of them. */
const forbidden = /node_modules\/(fastify|@fastify|libp2p|@libp2p|@chainsafe|undici|typebox|classic-level|pino)\//

const shared = {
  absWorkingDir: root,
  bundle: true,
  platform: 'node',
  target: 'node20.19',
  format: 'esm',
  logLevel: 'warning',
  legalComments: 'none',
  minifySyntax: true,
  minifyWhitespace: true,
  metafile: true,
}

// Packages in CommonJS ask for Node's own modules by `require`, which modules lack.
const requires = [
  "import { createRequire as $createRequire } from 'node:module'",
  'const require = $createRequire(import.meta.url)',
].join('\n')

/** Packages that find files beside themselves: a native addon, and WebAssembly. */
const packagesWithFiles = ['classic-level', '@automerge/automerge']

/** Lets modules of the daemon find files by their own place, although they run in a bundle at `daemon/`. */
const placesInDaemon = {
  name: 'places',
  setup(build) {
    const daemon = join(root, 'daemon')
    build.onLoad({ filter: /\.ts$/ }, ({ path }) => {
      const text = readFileSync(path, 'utf8')
      if (path.includes('node_modules') || !text.includes('import.meta.url')) return undefined
      const place = JSON.stringify(`./${relative(daemon, path)}`)
      return { loader: 'ts', contents: text.replaceAll('import.meta.url', `new URL(${place}, import.meta.url).href`) }
    })
  },
}

/**
 * Writes `daemon/main.js` and the parts that it loads later beside it, with all packages in them: a daemon starts in
 * half the time when it reads twenty files and not a thousand. What else is below `daemon/` stays as the compiler wrote
 * it: worker threads, and what commands load. Returns the packages that stay outside.
 * @param {string} folder
 */
export async function bundleDaemon(folder) {
  const { metafile } = await build({
    ...shared,
    entryPoints: ['daemon/main.ts'],
    outdir: join(folder, 'daemon'),
    splitting: true,
    chunkNames: 'part-[hash]',
    external: packagesWithFiles,
    banner: { js: requires },
    plugins: [placesInDaemon],
  })
  const imports = Object.values(metafile.outputs).flatMap((output) => output.imports)
  const outside = imports.filter(({ external, path }) => external && !isBuiltin(path)).map(({ path }) => path)
  return [...new Set(outside)].sort()
}

/**
 * Writes `cli/hearsay.js` (the entry, with all that `put` and `get` need), `cli/main.js` (all commands) and
 * `cli/client.js` into a folder; each is whole in itself.
 * @param {string} folder
 * @throws when a module of the daemon has got in.
 */
export async function bundle(folder) {
  const entry = join(folder, 'cli', 'hearsay.js')
  const results = await Promise.all([
    build({
      ...shared,
      entryPoints: ['cli/hearsay.ts'],
      outfile: entry,
      banner: { js: '#!/usr/bin/env node' },
      external: ['./main.js'],
    }),
    build({
      ...shared,
      entryPoints: ['cli/main.ts'],
      outfile: join(folder, 'cli', 'main.js'),
      banner: { js: requires },
    }),
    build({ ...shared, entryPoints: ['cli/client.ts'], outfile: join(folder, 'cli', 'client.js') }),
  ])
  for (const { metafile } of results) {
    const strangers = Object.keys(metafile.inputs).filter((input) => forbidden.test(input))
    if (strangers.length > 0) throw new Error(`the command line must not contain ${strangers[0]}`)
  }
  chmodSync(entry, 0o755)
}

/**
 * Writes the dashboard below `daemon/web/`: one page, one script and one style, with all packages in them, for browsers
 * of the last two years.
 * @param {string} folder
 */
export async function bundleDashboard(folder) {
  const web = join(folder, 'daemon', 'web')
  await build({
    absWorkingDir: root,
    bundle: true,
    minify: true,
    platform: 'browser',
    target: ['chrome123', 'firefox120', 'safari17.5'],
    format: 'esm',
    charset: 'utf8',
    logLevel: 'warning',
    legalComments: 'none',
    entryPoints: { dashboard: 'daemon/web/page/main.ts' },
    outdir: web,
  })
  mkdirSync(web, { recursive: true })
  copyFileSync(join(root, 'daemon', 'web', 'page', 'dashboard.html'), join(web, 'dashboard.html'))
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const folder = resolve(process.argv[2] ?? join(root, 'dist'))
  await Promise.all([bundle(folder), bundleDaemon(folder), bundleDashboard(folder)])
}
