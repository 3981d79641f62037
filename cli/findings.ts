/** Findings of the doctor as people read them: level, check, text, and below it what to do next. */
import type { Finding } from './client.js'
import { warningsShownMax } from './limits.js'
import { type Output, printable } from './output.js'
import { wrapTo } from './text-width.js'

const indent = 6

const columnsMin = 20

/** Writes findings with their levels and checks. */
export async function printFindings(output: Output, findings: readonly Finding[]): Promise<void> {
  for (const { level, check, text, remedy } of findings) {
    await printHanging(output, colourOf(output, level)(level.padEnd(indent)), indent, [`${check}: ${text}`, remedy])
  }
}

/** Writes findings as warnings above something else: a mark, and what is wrong; the first of many. */
export async function printWarnings(output: Output, findings: readonly Finding[]): Promise<void> {
  for (const { level, check, text, remedy } of findings.slice(0, warningsShownMax)) {
    const what = check === 'member' ? text : `${check}: ${text}`
    await printHanging(output, colourOf(output, level)('! '), 2, [what, remedy])
  }
  const more = findings.length - warningsShownMax
  if (more > 0) await output.line(output.colors.yellow(`! and ${more.toLocaleString('en-US')} more: hearsay doctor`))
}

/** Writes a text and a remedy behind a head, wrapped to the terminal, all lines indented alike. */
async function printHanging(
  output: Output,
  head: string,
  headColumns: number,
  [text, remedy]: readonly [string, string | null],
): Promise<void> {
  const columns = Math.max(columnsMin, output.columns - headColumns)
  const next = remedy === null ? [] : wrapTo(`next: ${printable(remedy)}`, columns)
  const [first, ...more] = [...wrapTo(printable(text), columns), ...next]
  await output.line(`${head}${first}`)
  for (const line of more) await output.line(`${' '.repeat(headColumns)}${line}`)
}

function colourOf({ colors }: Output, level: Finding['level']): (text: string) => string {
  return { ok: colors.green, warn: colors.yellow, fail: colors.red }[level]
}
