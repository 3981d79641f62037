/**
 * Runs the shell blocks of a page, in order, in one shell, and compares what they print with the `#>` lines below them.
 */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'vitest'

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..')

/** Some commands and what they must print; undefined when the README shows nothing. */
interface Step {
  readonly commands: string
  readonly expected: string | undefined
}

function stepsOf(markdown: string): Step[] {
  const blocks = [...markdown.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map((match) => match[1]!)
  return blocks.flatMap((block) => {
    const parts = block.match(/(?:^(?!#> ).*\n)+(?:^#> .*\n)*/gm) ?? []
    return parts.map((part) => {
      const lines = part.trimEnd().split('\n')
      const shown = lines.filter((line) => line.startsWith('#> ')).map((line) => line.slice('#> '.length))
      const commands = lines.filter((line) => !line.startsWith('#> ')).join('\n')
      return { commands, expected: shown.length > 0 ? shown.join('\n') : undefined }
    })
  })
}

/** A shell that is told one step after another. */
class Shell {
  readonly #child: ChildProcessWithoutNullStreams
  #output = ''
  #waiting: (() => void) | undefined

  /** `home`: what is written outside of the repository goes there, also by npm. */
  constructor(home: string, environment: NodeJS.ProcessEnv) {
    this.#child = spawn('bash', ['--norc', '--noprofile'], {
      cwd: root,
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true,
      env: { PATH: process.env.PATH, HOME: home, XDG_STATE_HOME: home, LANG: 'C.UTF-8', NO_COLOR: '1', ...environment },
    })
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.#output += text
        this.#waiting?.()
      })
    }
    this.#child.on('exit', () => this.#waiting?.())
  }

  /** Runs commands; resolves with what they print and the exit code of the last. */
  async run(commands: string): Promise<{ output: string; exit: number }> {
    this.#output = ''
    this.#child.stdin.write(`${commands}\nprintf '\\n<<%s>>\\n' $?\n`)
    for (;;) {
      const match = /\n<<(\d+)>>\n$/.exec(this.#output)
      if (match) return { output: this.#output.slice(0, match.index).trimEnd(), exit: Number(match[1]) }
      if (this.#child.exitCode !== null) throw new Error(`the shell ended: ${this.#output}`)
      await new Promise<void>((resolve) => {
        this.#waiting = resolve
      })
    }
  }

  /** Ends the shell and everything it started. */
  async end(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.pid === undefined) return
    const ended = once(this.#child, 'exit')
    process.kill(-this.#child.pid, 'SIGKILL')
    await ended
  }
}

/** The expected text as a pattern, in which `…` stands for anything within a line. */
function pattern(expected: string): RegExp {
  const escaped = expected.split('…').map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'))
  return new RegExp(`^${escaped.join('.+')}$`)
}

/**
 * Plays a page of the repository, then runs `cleanUp`, whatever came of it. `environment`: what the page finds there.
 */
export async function playPage(page: string, cleanUp: string, environment: NodeJS.ProcessEnv = {}): Promise<void> {
  const home = mkdtempSync(join(tmpdir(), 'hearsay-page-'))
  const shell = new Shell(home, environment)
  try {
    const steps = stepsOf(readFileSync(join(root, page), 'utf8'))
    expect(steps.filter(({ expected }) => expected !== undefined).length).toBeGreaterThan(10)
    for (const { commands, expected } of steps) {
      const { output, exit } = await shell.run(commands)
      if (expected === undefined) expect({ commands, exit, output }).toMatchObject({ exit: 0 })
      else expect(output, `after: ${commands}`).toMatch(pattern(expected))
    }
  } finally {
    await shell.run(cleanUp).catch(() => {})
    await shell.end()
    rmSync(home, { recursive: true, force: true })
  }
}
