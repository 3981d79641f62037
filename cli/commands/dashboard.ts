/** `hearsay dashboard`: a link that signs a browser in, once. */

import { openInBrowser } from '../browser.js'
import type { Action } from '../command.js'

/** Prints the link, or opens it. */
export const dashboard: Action = async (invocation) => {
  const { output, io } = invocation
  const link = await invocation.client().dashboardLink()
  const isOpened = invocation.flag('open') && (await openInBrowser(link.url, io.environment))
  if (invocation.json) return output.json({ ...link, opened: isOpened })
  await output.line(isOpened ? 'the dashboard opens in the browser' : link.url)
  if (isOpened) return
  if (invocation.flag('open')) await output.note('no browser could be opened: open this address yourself')
  await output.note('works once, in the next five minutes; whoever has it can do all that you can')
}
