/** The table of commands: both parsers read it alike, and documents and completions agree with it. */
import { afterEach, describe, expect, test } from 'vitest'
import { commands } from '../../cli/commands/table.js'
import { parseFast } from '../../cli/fast.js'
import { parseFully } from '../../cli/program.js'
import { flagOf, knobNames } from '../../daemon/config/knobs.js'
import { status, twoVersions } from '../support/answers.js'
import { against, fake, stopFakes } from '../support/run-against.js'
import { runCli } from '../support/run-cli.js'

afterEach(stopFakes)

describe('the table of commands', () => {
  const calls = [
    ['put', 'k', 'v', '--ttl=5s', '--json'],
    ['put', '--acks', '2', 'k', '--', '-v'],
    ['get', 'k', '--all'],
    ['ls', '--limit', '3', '--values'],
    ['block', 'a', 'b', 'c'],
    ['unblock'],
    ['lab', 'up', '-n', '3', '--json', '--', '--acks', '2'],
    ['lab', 'on', 'ann', 'put', 'k', '--', '-v'],
    ['lab', 'on', '--dir', '/x', '2', 'get', 'k', '--all', '--json'],
    ['wait', '--converged', '--timeout', '1s'],
  ]

  test.each(calls.map((argv) => [argv]))('both parsers read %j alike', async (argv) => {
    const fast = parseFast(argv, commands)
    const setting = { stdout: process.stdout, columns: 80, stdoutTerminal: false }
    const full = await parseFully(argv, setting as never)
    expect(fast).toBeDefined()
    expect({ ...full, command: full?.command.name }).toEqual({ ...fast, command: fast?.command.name })
  })

  test('flags before the command count for it', async () => {
    const { api, requests } = await fake(() => ({ body: twoVersions }))
    const ran = await runCli(['--api', api, '--json', 'get', 'k'])
    expect(JSON.parse(ran.text)).toEqual(twoVersions)
    expect(requests).toHaveLength(1)
  })

  test('flags between the two words of a command count for it', async () => {
    const { api, requests } = await fake(() => ({ body: { key: 'n', value: 3 } }))
    expect((await runCli(['counter', '--api', api, 'get', 'n'])).text).toBe('3\n')
    expect((await runCli(['--api', api, 'counter', '--json', 'get', 'n'])).text).toBe('{"key":"n","value":3}\n')
    expect(requests).toHaveLength(2)
  })

  test('the daemon has a flag for every setting', () => {
    const daemon = commands.find(({ name }) => name === 'daemon')!
    const flags = daemon.options.map(({ name }) => name).filter((name) => name !== 'config')
    expect(flags.toSorted()).toEqual(knobNames.map(flagOf).toSorted())
  })

  test.each(['bash', 'zsh', 'fish'])('completions for %s name every command and flag', async (shell) => {
    const { text, exit } = await runCli(['completion', shell])
    expect(exit).toBe(0)
    for (const { name, options } of commands) {
      for (const word of name.split(' ')) expect(text).toMatch(new RegExp(`\\b${word}\\b`))
      for (const option of options) expect(text).toMatch(new RegExp(`(--|-l )${option.name}\\b`))
    }
  })
})

/** A daemon with nothing wrong. */
const answers = ({ url }: { url: string }) => ({ body: url === '/v1/doctor' ? { findings: [] } : status })

test('colours appear on a terminal only, and never with NO_COLOR', async () => {
  const colourStart = '\u001b['
  expect((await against(answers, ['status'], { terminal: true })).text).toContain(colourStart)
  expect((await against(answers, ['status'])).text).not.toContain(colourStart)
  const plain = await against(answers, ['status'], { terminal: true, environment: { NO_COLOR: '1' } })
  expect(plain.text).not.toContain(colourStart)
})
