/** Run by the build: writes man/hearsay.1 into the folder above this file's. */
import { mkdir, writeFile } from 'node:fs/promises'
import { commands, groups } from './commands/table.js'
import { packageVersion } from './commands/version.js'
import { manPage } from './man.js'

const folder = new URL('../man/', import.meta.url)
await mkdir(folder, { recursive: true })
await writeFile(new URL('hearsay.1', folder), manPage({ commands, groups }, packageVersion()))
