/** Bundles the command line and the client: `node cli/bundle.mjs [OUTPUT FOLDER]`, dist/ when absent. */
import { chmodSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
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

/**
 * Writes `cli/hearsay.js` (the entry, with all that `put` and `get` need), `cli/main.js` (all commands) and
 * `cli/client.js` into a folder; each is whole in itself.
 * @param {string} folder
 * @throws when a module of the daemon has got in.
 */
export async function bundle(folder) {
  const entry = join(folder, 'cli', 'hearsay.js')
  // Packages in CommonJS ask for Node's own modules by `require`, which modules lack.
  const requires = [
    "import { createRequire as $createRequire } from 'node:module'",
    'const require = $createRequire(import.meta.url)',
  ].join('\n')
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

if (process.argv[1] === fileURLToPath(import.meta.url)) await bundle(resolve(process.argv[2] ?? join(root, 'dist')))
