/** Debian's Chromium under playwright-core, for tests of the dashboard. */
import { existsSync } from 'node:fs'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'

/** The browser of this machine: HEARSAY_CHROMIUM, or where Debian puts it. */
export const chromiumPath = process.env.HEARSAY_CHROMIUM ?? '/usr/bin/chromium'
/** True if there is a browser. */
export const hasChromium = existsSync(chromiumPath)
/** Ending of the name of a suite that needs a browser: why it is skipped, where it is. */
export const browserNote = hasChromium
  ? ''
  : ` (needs a browser: there is no ${chromiumPath}; apt-get install chromium)`

/** Starts the browser without anything that talks to others. */
export function startBrowser(): Promise<Browser> {
  const args = [
    '--no-sandbox',
    '--disable-background-networking',
    '--disable-component-update',
    '--no-first-run',
    '--disable-gpu',
  ]
  return chromium.launch({ executablePath: chromiumPath, args })
}

/** Sizes of windows. */
export const windows = { desktop: { width: 1360, height: 900 }, phone: { width: 390, height: 844 } } as const

/** A page in a context of its own, and what it complained about. */
export interface OpenPage {
  readonly page: Page
  /** Errors of scripts and refusals of the content security policy. */
  readonly complaints: string[]
  close(): Promise<void>
}

/** Opens an address in a fresh context. */
export async function openPage(browser: Browser, url: string, options: BrowserContextOptions = {}): Promise<OpenPage> {
  const context = await browser.newContext({
    locale: 'en-GB',
    timezoneId: 'Europe/Berlin',
    viewport: windows.desktop,
    ...options,
  })
  const page = await context.newPage()
  const complaints: string[] = []
  page.on('pageerror', (error) => complaints.push(String(error)))
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text())
  })
  await page.goto(url)
  return { page, complaints, close: () => context.close() }
}
