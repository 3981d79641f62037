/**
 * The dashboard in a real browser, over the demo mesh: what it shows, what it asks for, who can use it, what it weighs.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { placeNames } from '../../daemon/web/page/model/places.js'
import { DemoDashboard } from '../support/demo-dashboard.js'
import { demoPeer, healingMembers, restingMembers, runningSession } from '../support/demo-mesh.js'
import { accessibilityFindings } from './axe.js'
import { browserNote, hasChromium, openPage, startBrowser, windows } from './browser.js'

/** Bytes that the page, its script and its style may have together, compressed. */
const weightMax = 100_000
const root = fileURLToPath(new URL('../..', import.meta.url))

describe('the weight of the dashboard', () => {
  it(`is at most ${weightMax / 1000} kB, compressed`, () => {
    const weights = ['dashboard.html', 'dashboard.js', 'dashboard.css'].map((name) => {
      return [name, gzipSync(readFileSync(`${root}dist/daemon/web/${name}`), { level: 9 }).length] as const
    })
    const total = weights.reduce((sum, [, bytes]) => sum + bytes, 0)
    console.log(
      `dashboard: ${total} bytes compressed (${weights.map(([name, bytes]) => `${name} ${bytes}`).join(', ')})`,
    )
    expect(total).toBeLessThanOrEqual(weightMax)
  })

  it('has no markup that is made of texts', () => {
    const folder = `${root}daemon/web/page`
    const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'))
    expect(files.length).toBeGreaterThan(40)
    const unsafe = /innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser/
    expect(files.filter((name) => unsafe.test(readFileSync(`${folder}/${name}`, 'utf8')))).toEqual([])
  })
})

describe.skipIf(!hasChromium)(`the dashboard in a browser${browserNote}`, () => {
  let browser: Browser
  let demo: DemoDashboard
  beforeAll(async () => {
    browser = await startBrowser()
    demo = await DemoDashboard.start(restingMembers(Date.now()))
  })
  afterAll(async () => {
    await browser?.close()
    await demo?.stop()
  })

  const shown = async (page: Page) => {
    await page
      .locator('.headline')
      .getByText(/everything|machine/)
      .waitFor()
    await page.locator('.loading').first().waitFor({ state: 'detached' })
  }

  it.each(['light', 'dark'] as const)(
    'keeps to the rules of accessibility in all places, in %s',
    async (colorScheme) => {
      const { page, complaints, close } = await openPage(browser, demo.url, { colorScheme, reducedMotion: 'reduce' })
      const hashes = ['#/keys/config%2Ftheme', '#/keys/users%2Fada', '#/keys?new', `#/members/${demoPeer('pi')}`]
      for (const hash of [...placeNames.map((name) => `#/${name}`), ...hashes]) {
        await page.goto(`${demo.url}${hash}`)
        await shown(page)
        expect(await accessibilityFindings(page), `${hash} in ${colorScheme}`).toEqual([])
      }
      expect(complaints).toEqual([])
      await close()
    },
  )

  it('fits a phone: nothing is wider than the window, the graph comes first', async () => {
    const { page, close } = await openPage(browser, demo.url, { viewport: windows.phone })
    for (const name of placeNames) {
      await page.goto(`${demo.url}#/${name}`)
      await shown(page)
      expect(await page.evaluate('document.documentElement.scrollWidth'), name).toBe(windows.phone.width)
    }
    await page.goto(`${demo.url}#/mesh`)
    expect(await page.locator('main h2').first().textContent()).toBe('Who is equal')
    await close()
  })

  it('has a thousand members in its graph, a hundred of them in the table at first', async () => {
    const nowMs = Date.now()
    const members = Array.from({ length: 1000 }, (_, at) => {
      return { ...restingMembers(nowMs)[at % 3]!, name: `m${at}`, peer: demoPeer(`m${at}`), hears: [] }
    })
    const own = await DemoDashboard.start(members, nowMs)
    const { page, complaints, close } = await openPage(browser, own.url)
    await page.locator('.headline').getByText('All 1,001 nodes have everything').waitFor()
    expect(await page.locator('.graph .node').count()).toBe(1001)
    expect(await page.locator('.table tbody tr').count()).toBe(101)
    await page.getByRole('button', { name: 'Show more (900 left)' }).click()
    await page.getByText('800 left').waitFor()
    expect(complaints).toEqual([])
    await close()
    await own.stop()
  })

  it('is used by the keyboard: places, a node of the graph, the search as a command line', async () => {
    const { page, close } = await openPage(browser, demo.url)
    await shown(page)
    await page.locator('[data-node=ann]').focus()
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'ann' }).waitFor()
    await page.keyboard.press('/')
    await page.keyboard.type('notes/sh')
    await page.getByRole('option', { name: /notes\/shopping/ }).waitFor()
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'notes/shopping' }).waitFor()
    await page.keyboard.press('Tab')
    await page.keyboard.press('/')
    await page.keyboard.type('put typed/key by hand')
    await page.keyboard.press('Enter')
    await page.getByText('Stored typed/key.').first().waitFor()
    expect(await page.locator('textarea').inputValue()).toBe('by hand')
    await close()
  })

  it('settles a conflict by click, shows what will be left, and takes it back', async () => {
    const { page, complaints, close } = await openPage(browser, `${demo.url}#/conflicts`)
    await page.getByText('eve and ann both wrote notes/shopping').waitFor()
    expect(await page.locator('.version mark').allTextContents()).toContain('coffee')
    await page.getByLabel('version of ann').getByRole('button', { name: 'Keep this' }).click()
    await page.getByText('The version of ann will be left').waitFor()
    await page.getByRole('button', { name: 'Settle it so' }).click()
    await page.getByRole('button', { name: 'Undo' }).waitFor()
    await page.locator('.letter', { hasText: 'notes/shopping' }).waitFor({ state: 'detached' })
    await page.getByRole('button', { name: 'Undo' }).click()
    await page.locator('.letter', { hasText: 'notes/shopping' }).waitFor()
    expect(complaints).toEqual([])
    await close()
  })

  it('says what saving a value superseded, and keeps both when another was faster', async () => {
    const { page, close } = await openPage(browser, `${demo.url}#/keys/greeting`)
    const value = page.getByLabel('Value', { exact: true })
    await value.fill('good evening')
    await page.getByRole('button', { name: 'Save' }).click()
    await page
      .getByText(/It superseded “good morning”, which nas wrote/)
      .first()
      .waitFor()
    await value.fill('good night')
    const faster = await page.request.put(`${demo.url}v1/kv/greeting`, { data: 'good grief' })
    expect(faster.status()).toBe(200)
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByText('greeting has 2 versions side by side, all written on nas').waitFor()
    expect(await page.locator('.version').count()).toBe(2)
    await close()
  })

  it('edits counters, sets, maps and documents', async () => {
    const { page, close } = await openPage(browser, `${demo.url}#/keys/visits`)
    await page.getByRole('button', { name: '+10' }).click()
    await page.getByText('1,214', { exact: true }).first().waitFor()
    await page.goto(`${demo.url}#/keys/cart%2F7`)
    await page.getByLabel('New member').fill('figs')
    await page.getByRole('button', { name: 'Add', exact: true }).click()
    await page.getByRole('button', { name: 'remove figs' }).click()
    await page.getByRole('button', { name: 'remove figs' }).waitFor({ state: 'detached' })
    await page.goto(`${demo.url}#/keys/users%2Fada`)
    await page.getByText('2 versions').last().waitFor()
    await page.goto(`${demo.url}#/keys/plans%2Fgarden`)
    const json = page.getByLabel('JSON of the document')
    await json.fill('{"beds": 5')
    await page.locator('.bad-text').waitFor()
    await json.fill('{"beds": 5}')
    await page.getByRole('button', { name: 'Save' }).click()
    await page
      .getByText(/Saved\. It superseded 1 version/)
      .first()
      .waitFor()
    await close()
  })

  it('says the consequence first, and forgets a member whose name was typed', async () => {
    const own = await DemoDashboard.start(restingMembers(Date.now()))
    const { page, close } = await openPage(browser, `${own.url}#/members/${demoPeer('pi')}`)
    await page.getByRole('button', { name: 'Forget…' }).click()
    await page.getByText('1,204 updates that it lacks are kept for it no longer').waitFor()
    const forget = page.getByRole('button', { name: 'Forget pi' })
    expect(await forget.isDisabled()).toBe(true)
    await page.getByLabel('Type pi to forget it').fill('pi')
    await forget.click()
    await page.locator('.headline').getByText('All 4 nodes have everything').waitFor()
    await close()
    await own.stop()
  })

  it('shows a heal as it happens, plays it back, and says that it is over', async () => {
    const nowMs = Date.now()
    const own = await DemoDashboard.start(healingMembers(nowMs))
    const { page, close } = await openPage(browser, own.url)
    const hue = (name: string) => page.locator(`[data-node=${name}]`).getAttribute('data-hue')
    await page.locator('[data-node=cid]').waitFor()
    expect([await hue('nas'), await hue('ann')]).toEqual(['0', '0'])
    expect(await hue('cid')).toBe(await hue('eve'))
    expect(await hue('cid')).not.toBe('0')
    await page.locator('[data-link=gap]').first().waitFor({ state: 'attached' })
    own.showSession(runningSession('cid', nowMs))
    await page.getByText('A heal, now').waitFor()
    await page.locator('.link.active').waitFor()
    await own.showMembers(restingMembers(nowMs))
    await page.locator('[data-node=cid][data-hue="0"]').waitFor()
    await page.getByRole('status').filter({ hasText: 'cid is equal again' }).waitFor({ state: 'attached' })
    await page.locator('.sessions button').nth(2).click()
    await page.getByLabel('One step back').click()
    await page.getByText('3 entries sent, 1 received.').waitFor()
    await page.getByRole('button', { name: 'Play' }).click()
    await page.getByText('Both are equal after 0.2 s.').waitFor()
    await close()
    await own.stop()
  })

  it('says when the daemon is gone and when it is back, and asks to sign in when it is refused', async () => {
    const own = await DemoDashboard.start(restingMembers(Date.now()))
    const { page, close } = await openPage(browser, own.url)
    await shown(page)
    await page.route('**/v1/events', (route) => route.abort())
    own.cut()
    await page.getByText(/nas does not answer; last seen/).waitFor()
    await page.unroute('**/v1/events')
    await shown(page)
    own.signOut()
    await page.getByRole('heading', { name: 'Sign in to this node' }).waitFor()
    expect(await accessibilityFindings(page)).toEqual([])
    await close()
    await own.stop()
  })

  it('shows an empty mesh how to add a machine, with a code to scan', async () => {
    const own = await DemoDashboard.start([], Date.now(), true)
    const { page, complaints, close } = await openPage(browser, own.url)
    await page.getByRole('button', { name: 'Make an invitation' }).click()
    await page.getByRole('img', { name: 'The token as a QR code' }).waitFor()
    expect(await page.locator('.command').textContent()).toMatch(/^hearsay join hearsay1/)
    expect(await accessibilityFindings(page)).toEqual([])
    await page.getByRole('link', { name: 'Put a first key' }).click()
    await page.getByLabel('Key', { exact: true }).fill('first')
    await page.getByRole('button', { name: 'Make it' }).click()
    await page.getByRole('heading', { name: 'first' }).waitFor()
    expect(complaints).toEqual([])
    await close()
    await own.stop()
  })
})
