/** `hearsay watch`: the change feed, printed as it comes or handed to a command. */
import type { WatchEvent } from '../client.js'
import type { Action, Invocation } from '../command.js'
import { runForEvent } from '../event-command.js'
import { printable, shortValue } from '../output.js'

/** Watches until it is interrupted, or so many events have come. */
export const watch: Action = async (invocation) => {
  const limit = invocation.count('limit', 1) ?? Number.POSITIVE_INFINITY
  const since = invocation.text('since')
  const ended = new AbortController()
  const forget = invocation.io.onInterrupt(() => ended.abort())
  let isLost = false
  try {
    const events = invocation.client().watch({
      prefix: invocation.positionals[0] ?? '',
      ...(since !== undefined && { since }),
      ...(invocation.flag('initial') && { initial: true }),
      onInitialEnd: (cursor) => void tellInitialEnd(invocation, cursor),
      signal: ended.signal,
      onCursor: () => {
        isLost = false
      },
      onRetry: () => {
        if (!isLost) void invocation.output.warn('the daemon does not answer; the watch continues as soon as it does')
        isLost = true
      },
    })
    let count = 0
    for await (const event of invocation.output.whileRead(events)) {
      await show(invocation, event)
      if (++count >= limit) return
    }
  } finally {
    forget()
  }
}

/** Says that what follows are changes; the writes of what comes next stand behind this one. */
function tellInitialEnd({ json, output }: Invocation, cursor: string): Promise<void> {
  if (json) return output.json({ initial: 'end', cursor }).catch(() => undefined)
  return output.note('that is all there is now; changes follow')
}

async function show(invocation: Invocation, event: WatchEvent): Promise<void> {
  const { output, json } = invocation
  const command = invocation.text('exec')
  if (command === undefined) return json ? output.json(event) : output.line(lineOf(invocation, event))
  const exit = await runForEvent(command, event, {
    environment: invocation.io.environment,
    api: invocation.client().address,
  })
  if (json) return output.json({ ...event, exit })
  await output.note(`exit ${exit}  ${event.op} ${nameOf(event)}`)
}

function lineOf({ output }: Invocation, event: WatchEvent): string {
  const { red, green, yellow, gray } = output.colors
  const paint = { put: green, del: red, expire: yellow }[event.op] ?? String
  const value = event.value === null ? '' : `  ${shortValue(event.value, event.encoding ?? 'utf8')}`
  const op = event.initial === true ? gray('now'.padEnd(6)) : paint(event.op.padEnd(6))
  return `${op} ${nameOf(event)}${value}  ${gray(`${event.time}  ${printable(event.node)}`)}`
}

/** The key, and what of it has changed when it is not a plain value. */
function nameOf({ key, type, field, fieldEncoding }: WatchEvent): string {
  if (type === 'reg') return printable(key)
  const part = field === '' ? '' : ` ${fieldEncoding === undefined ? printable(field) : `base64:${field}`}`
  return `${printable(key)} (${type}${part})`
}
