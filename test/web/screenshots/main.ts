/**
 * Pictures of the dashboard in docs/images, made from the demo mesh at a fixed moment: `npm run screenshots [NAME…]`.
 */
import type { Browser, Page } from 'playwright-core'
import { DemoDashboard } from '../../support/demo-dashboard.js'
import { demoPeer, healingMembers, restingMembers, runningSession } from '../../support/demo-mesh.js'
import { openPage, startBrowser, windows } from '../browser.js'

const [folder = '', ...wanted] = process.argv.slice(2)
/** A Friday evening, to which all times are relative. */
const momentMs = Date.UTC(2026, 10, 27, 20, 12, 30)

interface Shot {
  readonly name: string
  readonly hash: string
  readonly isHealing?: boolean
  readonly isEmpty?: boolean
  readonly before?: (page: Page) => Promise<void>
}

const shots: readonly Shot[] = [
  { name: 'mesh', hash: `#/mesh/${demoPeer('cid')}`, isHealing: true },
  { name: 'keys', hash: '#/keys/config%2Ftheme' },
  { name: 'conflicts', hash: '#/conflicts', before: chooseFirst },
  { name: 'members', hash: `#/members/${demoPeer('pi')}` },
  { name: 'activity', hash: '#/activity' },
  { name: 'first-run', hash: '#/mesh', isEmpty: true, before: invite },
]

async function chooseFirst(page: Page): Promise<void> {
  if (page.viewportSize()!.width < 500) await page.locator('.letter').first().click()
  await page.getByRole('button', { name: 'Keep this' }).first().click()
}

async function invite(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Make an invitation' }).click()
  await page.locator('.qr').waitFor()
}

async function take(browser: Browser, demo: DemoDashboard, shot: Shot): Promise<void> {
  for (const [form, viewport] of Object.entries(windows)) {
    for (const colorScheme of ['light', 'dark'] as const) {
      const options = { viewport, colorScheme, reducedMotion: 'reduce', deviceScaleFactor: 1 } as const
      const { page, close } = await openPage(browser, 'about:blank', options)
      await page.clock.setFixedTime(momentMs)
      await page.goto(`${demo.url}${shot.hash}`)
      await page
        .locator('.headline')
        .getByText(/everything|machine/)
        .waitFor()
      await page.locator('.loading').waitFor({ state: 'detached' })
      await shot.before?.(page)
      if (shot.isHealing) await showHeal(demo, page)
      const path = `${folder}/dashboard-${shot.name}-${form}-${colorScheme}.png`
      await page.screenshot({ path, fullPage: form === 'phone' && process.env.HEARSAY_WHOLE === '1' })
      await close()
    }
  }
}

async function showHeal(demo: DemoDashboard, page: Page): Promise<void> {
  demo.showSession(runningSession('cid', momentMs))
  await page.getByText('A heal, now').waitFor()
}

async function main(): Promise<void> {
  const browser = await startBrowser()
  for (const shot of shots.filter(({ name }) => wanted.length === 0 || wanted.includes(name))) {
    const members = shot.isEmpty ? [] : shot.isHealing ? healingMembers(momentMs) : restingMembers(momentMs)
    const demo = await DemoDashboard.start(members, momentMs, shot.isEmpty)
    await take(browser, demo, shot)
    await demo.stop()
    console.log(`dashboard-${shot.name}-*.png`)
  }
  await browser.close()
}

await main()
