/** Run by the build: writes openapi.json beside this file. */
import { writeFile } from 'node:fs/promises'
import { buildOpenApi } from './openapi.js'

await writeFile(new URL('./openapi.json', import.meta.url), await buildOpenApi())
