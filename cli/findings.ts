/** Findings of the doctor as people read them: level, check, text, and below it what to do next. */
import type { Finding } from './client.js'
import { type Output, printable } from './output.js'
import { wrapTo } from './text-width.js'

const indent = 6

/** Writes findings, wrapped to the columns. */
export async function printFindings(output: Output, findings: readonly Finding[], columns: number): Promise<void> {
  for (const { level, check, text, remedy } of findings) {
    const head = `${colourOf(output, level)(level.padEnd(indent))}`
    const [first = '', ...more] = wrapTo(`${printable(check)}: ${printable(text)}`, Math.max(20, columns - indent))
    await output.line(`${head}${first}`)
    for (const line of more) await output.line(`${' '.repeat(indent)}${line}`)
    if (remedy === null) continue
    for (const line of wrapTo(`next: ${printable(remedy)}`, Math.max(20, columns - indent))) {
      await output.line(`${' '.repeat(indent)}${line}`)
    }
  }
}

function colourOf({ colors }: Output, level: Finding['level']): (text: string) => string {
  return { ok: colors.green, warn: colors.yellow, fail: colors.red }[level]
}
