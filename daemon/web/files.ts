/** The dashboard's files as the build left them beside this module, and the headers under which browsers get them. */
import { readFileSync } from 'node:fs'

/** A file as it is sent. */
export interface WebFile {
  readonly body: Buffer
  readonly headers: Readonly<Record<string, string>>
}

/** The page, its script and its style. They hold no data. */
export interface WebFiles {
  readonly page: WebFile
  readonly script: WebFile
  readonly style: WebFile
}

/** Rules for the page: it may run its own script and style, show images of its own, and talk to this daemon alone. */
export const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self' data:",
  "frame-ancestors 'none'",
  "base-uri 'none'",
  "form-action 'none'",
].join('; ')

const pageHeaders: Readonly<Record<string, string>> = {
  'Content-Security-Policy': contentSecurityPolicy,
  'X-Frame-Options': 'DENY',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Permissions-Policy': 'camera=(), geolocation=(), microphone=()',
  'X-Content-Type-Options': 'nosniff',
  'Cache-Control': 'no-store',
}

/**
 * Reads the files of a folder; by default of the one that the build fills. A source tree without a build has none of
 * them.
 */
export function loadWebFiles(folder: URL = new URL('./', import.meta.url)): WebFiles {
  return {
    page: read(folder, 'dashboard.html', 'text/html') ?? absent('text/html', notBuilt),
    script: read(folder, 'dashboard.js', 'text/javascript') ?? absent('text/javascript'),
    style: read(folder, 'dashboard.css', 'text/css') ?? absent('text/css'),
  }
}

function read(folder: URL, name: string, type: string): WebFile | undefined {
  try {
    return { body: readFileSync(new URL(name, folder)), headers: headersOf(type) }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

const headersOf = (type: string) => ({ ...pageHeaders, 'Content-Type': `${type}; charset=utf-8` })
const absent = (type: string, text = ''): WebFile => ({ body: Buffer.from(text), headers: headersOf(type) })
const notBuilt =
  '<!doctype html><html lang="en"><meta charset="utf-8"><title>hearsay</title><p>The dashboard is not built: run <code>npm run build</code>, then restart the daemon.</p></html>\n'
