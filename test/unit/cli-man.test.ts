/** The manual page: whole, and well-formed for those who typeset it. */
import { spawnSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { commands, groups } from '../../cli/commands/table.js'
import { escapeRoff, exitCodes, manPage } from '../../cli/man.js'
import { errorCodes } from '../../store/errors.js'

const page = manPage({ commands, groups }, '1.2.3')

/** Text of the page without its markup. */
const text = page
  .replaceAll(/\\f[BIR]/g, '')
  .replaceAll('\\-', '-')
  .replaceAll('\\(aq', "'")
  .replaceAll('\\(ga', '`')

test('names every command, flag and exit code', () => {
  for (const { name, summary, options } of commands) {
    const [, part = ''] = text.split(`hearsay ${name}`, 2)
    expect(part, name).not.toBe('')
    expect(text).toContain(`${summary}.`)
    for (const option of options) expect(text).toContain(`--${option.name}`)
  }
  const codes = new Set(exitCodes.map(([code]) => code))
  for (const { exit } of Object.values(errorCodes)) expect(codes.has(exit)).toBe(true)
})

test('leaves nothing that roff would obey', () => {
  expect(escapeRoff(".x \\n 'a' -b")).toBe('\\&.x \\en \\(aqa\\(aq \\-b')
})

const hasGroff = spawnSync('groff', ['--version']).status === 0

test.skipIf(!hasGroff)('is set by groff without a warning, and reads as written (needs groff)', () => {
  const { stdout, stderr } = spawnSync('groff', ['-man', '-Tascii', '-ww', '-P-c', '-rLL=100n'], { input: page })
  expect(stderr.toString()).toBe('')
  // Overstrikes and blanks are for the eye.
  const read = stdout.toString().replaceAll(/.[\b]/g, '').replaceAll(/\s+/g, ' ')
  expect(read).toContain('hearsay put KEY [VALUE] store a value.')
  expect(read).toContain("hearsay doctor --json | jq '.findings[]")
})
