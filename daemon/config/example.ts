/** The commented example file, made from the table of knobs. */
import type { Knob } from './knob.js'
import { flagOf, type KnobName, knobNames, knobs, variableOf } from './knobs.js'
import { formatDuration, formatSize } from './parse.js'

const widthMax = 100

const head = `# Settings of hearsay. Every line here shows a default; remove the '#' to set it.
# Put this file into the data directory as config.toml, or give its path with --config.
# A flag overrides an environment variable, which overrides this file. \`hearsay config\` shows what is in effect.
`

/** The whole text of docs/hearsay.example.toml. */
export function exampleFile(): string {
  const top = knobNames.filter((name) => !name.includes('.'))
  const sections = [...new Set(knobNames.filter((name) => name.includes('.')).map((name) => name.split('.')[0]!))]
  const parts = [head, ...top.map((name) => block(name, name))]
  for (const section of sections) {
    const inside = knobNames.filter((name) => name.startsWith(`${section}.`))
    parts.push(`[${section}]\n`, ...inside.map((name) => block(name, name.slice(section.length + 1))))
  }
  return parts.join('\n')
}

function block(name: KnobName, key: string): string {
  const knob: Knob<unknown> = knobs[name]
  const variable = variableOf(name)
  const also = `Flag --${flagOf(name)}${variable === undefined ? '' : `, variable ${variable}`}.`
  const comment = [knob.about, knob.tradeOff, also].flatMap(wrap).map((line) => `# ${line}\n`)
  return `${comment.join('')}# ${key} = ${exampleValue(knob)}\n`
}

function exampleValue(knob: Knob<unknown>): string {
  if (knob.example !== undefined) return knob.unit === 'table' ? knob.example : `"${knob.example}"`
  const value = knob.fallback({ home: '', hostname: '', dataDirectory: '' })
  if (knob.unit === 'duration') return `"${formatDuration(value as number)}"`
  if (knob.unit === 'size') return `"${formatSize(value as number)}"`
  return JSON.stringify(value).replaceAll('","', '", "')
}

function wrap(text: string): string[] {
  const lines: string[] = ['']
  for (const word of text.split(' ')) {
    const line = lines.at(-1)!
    if (line.length + word.length + 1 > widthMax) lines.push(word)
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`
  }
  return lines
}
