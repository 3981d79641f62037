/** The Dockerfile, parsed, and the faults that would show in a build or in what it makes. */
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** One instruction: its keyword and what follows it, on one line. */
export interface Instruction {
  readonly keyword: string
  readonly text: string
}

/** One stage of a build. */
export interface BuildStage {
  readonly image: string
  /** Empty for a stage without a name. */
  readonly name: string
  readonly instructions: readonly Instruction[]
}

/** What a COPY takes from where to where. */
export interface CopiedFiles {
  /** BuildStage that it copies from; undefined: the context. */
  readonly from: string | undefined
  readonly sources: readonly string[]
  readonly target: string
}

/** The stages of a Dockerfile, in order. */
export function stagesOf(text: string): BuildStage[] {
  const lines = text
    .split('\n')
    .filter((line) => !/^\s*(?:#|$)/.test(line))
    .join('\n')
    .replace(/\\\n\s*/g, '')
    .split('\n')
  const stages: { image: string; name: string; instructions: Instruction[] }[] = []
  for (const line of lines) {
    const [, keyword = '', rest = ''] = /^(\S+)\s+(.*)$/.exec(line) ?? []
    if (keyword === 'FROM') {
      const [image = '', , name = ''] = rest.split(/\s+/)
      stages.push({ image, name, instructions: [] })
    } else stages.at(-1)?.instructions.push({ keyword, text: rest })
  }
  return stages
}

/** The COPY of an instruction. */
export function copyOf({ text }: Instruction): CopiedFiles {
  const words = text.split(/\s+/)
  const from = /^--from=(.*)$/.exec(words[0]!)?.[1]
  const paths = from === undefined ? words : words.slice(1)
  return { from, sources: paths.slice(0, -1), target: paths.at(-1)! }
}

/** Faults of a Dockerfile at `file`, whose context is the folder `context`. */
export function dockerfileFaults(file: string, context: string): string[] {
  const stages = stagesOf(readFileSync(file, 'utf8'))
  const final = stages.at(-1)!
  const last = (keyword: string) => final.instructions.findLast((one) => one.keyword === keyword)?.text
  const isExec = (text: string | undefined) => text !== undefined && /^\[".*"\]$/.test(text)
  const rules: [boolean, string][] = [
    [stages.length < 2, 'what only the build needs must not be in the image: use a stage for it'],
    [[undefined, 'root', '0'].includes(last('USER')), 'it runs as root'],
    [
      !isExec(last('ENTRYPOINT')),
      'without ENTRYPOINT ["…"] a shell stands between docker and the daemon, and gets its signals',
    ],
    [!/CMD \["hearsay", /.test(last('HEALTHCHECK') ?? ''), 'no HEALTHCHECK that calls hearsay'],
  ]
  const copies = stages.flatMap((stage, at) => copyFaults(stage, stages.slice(0, at), context, file))
  const unpinned = stages.filter(({ image }) => !/^[\w./-]+:\d+\.\d+\.\d+(?:-[\w.-]+)?$/.test(image))
  return [
    ...rules.flatMap(([isFault, fault]) => (isFault ? [fault] : [])),
    ...unpinned.map(({ image }) => `${image} is not pinned to one version`),
    ...copies,
  ]
}

function copyFaults(stage: BuildStage, earlier: readonly BuildStage[], context: string, file: string): string[] {
  const allowed = readFileSync(join(dirname(file), 'Dockerfile.dockerignore'), 'utf8').split('\n')
  return stage.instructions
    .filter(({ keyword }) => keyword === 'COPY')
    .map(copyOf)
    .flatMap(({ from, sources }) => {
      if (from !== undefined) return earlier.some(({ name }) => name === from) ? [] : [`there is no stage ${from}`]
      const missing = sources.filter((source) => !existsSync(join(context, source)))
      const ignored = sources.filter((source) => !allowed.includes(`!${source}`))
      return [
        ...missing.map((one) => `${one} does not exist`),
        ...ignored.map((one) => `.dockerignore leaves out ${one}`),
      ]
    })
}
