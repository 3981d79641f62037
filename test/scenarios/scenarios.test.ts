/** Plays every scenario and compares with what was recorded; `HEARSAY_REWRITE=1` records again. */
import { readdirSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { playScenario, scenarioCommands } from './scenario.js'

const folder = new URL('.', import.meta.url)
const files = readdirSync(folder).filter((name) => name.endsWith('.txt'))
const isRewriting = process.env.HEARSAY_REWRITE === '1'

describe('scenarios', () => {
  it.each(files)('%s', async (name) => {
    const file = new URL(name, folder)
    const text = await readFile(file, 'utf8')
    const played = await playScenario(text)
    if (isRewriting) await writeFile(file, played)
    else expect(played).toBe(text)
  })

  it('are at least twenty, and each says first what it shows', async () => {
    expect(files.length).toBeGreaterThanOrEqual(20)
    for (const name of files) expect(await readFile(new URL(name, folder), 'utf8')).toMatch(/^(# .+\n){1,3}nodes /)
  })

  it('notice another output and a command that does not exist', async () => {
    expect(await playScenario('nodes ann\nget ann key\n    something\n')).toBe('nodes ann\nget ann key\n    nothing\n')
    await expect(playScenario('nodes ann\nfrobnicate ann\n')).rejects.toThrow('no such command')
  })

  it('have every command in the README', async () => {
    const readme = await readFile(new URL('README.md', folder), 'utf8')
    for (const name of Object.keys(scenarioCommands)) expect(readme).toMatch(new RegExp(`\`${name}\\b`))
  })
})
