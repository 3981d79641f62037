/** Scenario files: commands, and under each, indented, what it printed when it was recorded. */

/** One line of a scenario: a command, or text between commands. */
export interface ScenarioLine {
  /** The number of the line in its file. */
  readonly number: number
  /** The command, or a comment or empty line as it stands. */
  readonly text: string
  readonly isCommand: boolean
  /** What was recorded under a command. */
  readonly recorded: string[]
}

const indent = '    '

/** Reads a scenario. Throws on output without a command. */
export function parseScenario(text: string): ScenarioLine[] {
  const lines: ScenarioLine[] = []
  for (const [at, line] of text.replace(/\n$/, '').split('\n').entries()) {
    const last = lines.at(-1)
    if (!line.startsWith(indent)) {
      lines.push({ number: at + 1, text: line, isCommand: line !== '' && !line.startsWith('#'), recorded: [] })
    } else if (last?.isCommand) last.recorded.push(line.slice(indent.length))
    else throw new Error(`line ${at + 1}: output without a command: ${line}`)
  }
  return lines
}

/** A line with its output. */
export function formatLine(text: string, output: readonly string[]): string {
  return [text, ...output.map((line) => `${indent}${line}`)].join('\n')
}

/** Runs every command of a scenario with `run`. Returns the scenario with what was printed now. */
export async function record(
  lines: readonly ScenarioLine[],
  run: (command: string) => Promise<readonly string[]>,
): Promise<string> {
  const result: string[] = []
  for (const { number, text, isCommand } of lines) {
    try {
      result.push(formatLine(text, isCommand ? await run(text) : []))
    } catch (error) {
      throw new Error(`line ${number}: ${text}: ${error instanceof Error ? error.message : String(error)}`, {
        cause: error,
      })
    }
  }
  return `${result.join('\n')}\n`
}
