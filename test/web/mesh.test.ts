/**
 * The dashboard of real daemons in a real browser: signed in by a link, a split and its heal seen in the graph, a
 * conflict settled.
 */
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { allEqual, type Daemon, Fleet, until } from '../e2e/daemons.js'
import { accessibilityFindings } from './axe.js'
import { browserNote, hasChromium, type OpenPage, openPage, startBrowser } from './browser.js'

describe.skipIf(!hasChromium)(`the dashboard of a mesh${browserNote}`, () => {
  let browser: Browser
  let fleet: Fleet
  let daemons: Daemon[]
  let opened: OpenPage
  beforeAll(async () => {
    fleet = await Fleet.create()
    ;[browser, daemons] = await Promise.all([
      startBrowser(),
      fleet.mesh(['ann', 'bob', 'cid'], ['--api', '127.0.0.1:0']),
    ])
    await allEqual(daemons)
  })
  afterAll(async () => {
    await browser?.close()
    await fleet?.end()
  })

  const linkOf = async (daemon: Daemon) => (await daemon.cli(['dashboard'])).stdout.toString().split('\n')[0]!
  const hue = (name: string) => opened.page.locator(`[data-node=${name}]`).getAttribute('data-hue')

  it('opens by a link, which works once', async () => {
    const link = await linkOf(daemons[0]!)
    opened = await openPage(browser, link)
    await opened.page.getByText('All 3 nodes have everything.').waitFor()
    expect(opened.page.url()).not.toContain(link.split('=')[1])
    expect(await Promise.all(['ann', 'bob', 'cid'].map(hue))).toEqual(['0', '0', '0'])
    await opened.page.reload()
    await opened.page.getByText('All 3 nodes have everything.').waitFor()
    const second = await openPage(browser, link)
    await second.page.getByText('This link has been used already, or is older than five minutes.').waitFor()
    await second.page.getByRole('heading', { name: 'Sign in to this node' }).waitFor()
    expect(await accessibilityFindings(second.page)).toEqual([])
    await second.close()
    // A browser that has not signed in gets the page with 401, which Chromium mentions.
    expect(opened.complaints.splice(0).filter((text) => !text.includes('status of 401'))).toEqual([])
  })

  it('shows a split as a gap or a bar, and its heal until all have one colour again', async () => {
    const { page } = opened
    const [ann, bob, cid] = daemons as [Daemon, Daemon, Daemon]
    await ann.cli(['block', 'cid'])
    await page.locator('[data-link=bar]').waitFor()
    await bob.cli(['block', 'cid'])
    await page.locator('tr[data-member=cid]').getByText('blocked').waitFor()
    for (let at = 0; at < 5; at++) await ann.client.put(`here/${at}`, 'ann')
    await ann.client.put('cart/7', 'green tea')
    await cid.client.put('cart/7', 'black tea')
    await page
      .locator('.headline')
      .getByText(/2 of 3 nodes have everything; cid is \d+ updates? behind/)
      .waitFor()
    // Seen from the page itself: a second colour may last for less than a poll of the test.
    await page.evaluate(`window.huesOfCid = []; new MutationObserver(() => {
      const hue = document.querySelector('[data-node=cid]')?.getAttribute('data-hue')
      if (hue !== undefined && window.huesOfCid.at(-1) !== hue) window.huesOfCid.push(hue)
    }).observe(document.getElementById('app'), { subtree: true, childList: true, attributes: true })`)
    await Promise.all([ann, bob].map((daemon) => daemon.cli(['unblock'])))
    await allEqual(daemons)
    await page.locator('.headline').getByText('All 3 nodes have everything. 1 key needs a decision.').waitFor()
    expect(await Promise.all(['ann', 'bob', 'cid'].map(hue))).toEqual(['0', '0', '0'])
    const seen = (await page.evaluate('window.huesOfCid')) as string[]
    expect(seen.at(-1)).toBe('0')
    expect(await page.locator('[data-link=line]').count()).toBe(3)
    await page.locator('.sessions').getByText('ann ⇄ cid').first().waitFor()
    await page.getByText('Both are equal after').first().waitFor()
  })

  it('settles the conflict on all nodes by click, and takes that back', async () => {
    const { page, complaints } = opened
    const [ann, bob] = daemons as [Daemon, Daemon]
    const versions = async (daemon: Daemon) =>
      (await daemon.client.getAll('cart/7')).versions.map(({ value }) => Buffer.from(value).toString()).sort()
    await page.getByRole('link', { name: /Conflicts/ }).click()
    await page.getByText(/(cid and ann|ann and cid) both wrote cart\/7/).waitFor()
    await page.getByLabel('version of ann').getByRole('button', { name: 'Keep this' }).click()
    await page.getByRole('button', { name: 'Settle it so' }).click()
    await page.getByText('Nothing needs a decision').waitFor()
    await until(
      'the choice has come to bob',
      () => versions(bob),
      (shown) => shown.join() === 'green tea',
    )
    await page.getByRole('button', { name: 'Undo' }).click()
    await page.locator('.letter', { hasText: 'cart/7' }).waitFor()
    await until(
      'both versions are back at bob',
      () => versions(bob),
      (shown) => shown.join() === 'black tea,green tea',
    )
    expect(await versions(ann)).toEqual(['black tea', 'green tea'])
    expect(complaints).toEqual([])
  })

  it('marks the places of a document that hold concurrent values, and settles them', async () => {
    const { page } = opened
    const [ann, , cid] = daemons as [Daemon, Daemon, Daemon]
    await ann.cli(['doc', 'put', 'plan', '{"beds":4,"bench":"oak"}'])
    await allEqual(daemons)
    await ann.cli(['block', 'bob', 'cid'])
    await ann.cli(['doc', 'patch', 'plan', '{"beds":5}'])
    await cid.cli(['doc', 'patch', 'plan', '{"beds":6}'])
    await ann.cli(['unblock'])
    await allEqual(daemons)
    await page.goto(page.url().replace(/#.*/, '#/keys/plan'))
    await page.locator('.marked', { hasText: '/beds' }).waitFor()
    await page.getByRole('button', { name: 'keep 5' }).click()
    await page.locator('.marked').waitFor({ state: 'detached' })
    expect(JSON.parse(await page.getByLabel('JSON of the document').inputValue())).toEqual({ beds: 5, bench: 'oak' })
  })
})
