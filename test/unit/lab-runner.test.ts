/** Playing a script: what it tells, where it stops, and with what error. */
import { expect, test } from 'vitest'
import { playScript, type Ran, type Stage, type Told } from '../../cli/lab/runner.js'
import { parseScript } from '../../cli/lab/script.js'

/** A lab of two nodes whose commands answer from a list, the last answer again and again. */
function stageOf(
  answers: Readonly<Record<string, readonly Partial<Ran>[]>>,
): Stage & { readonly asked: string[]; readonly acts: string[] } {
  const asked: string[] = []
  const acts: string[] = []
  return {
    asked,
    acts,
    nodesOf: (target) => (target === 'all' ? ['ann', 'bob'] : target),
    command: async (node, words) => {
      const call = `${node}: ${words.join(' ')}`
      const list = answers[call] ?? answers[words.join(' ')] ?? [{}]
      const at = asked.filter((one) => one === call).length
      asked.push(call)
      return { exit: 0, stdout: '', stderr: '', ...list[Math.min(at, list.length - 1)] }
    },
    perform: async (statement) => {
      acts.push(statement.kind)
      return `did ${statement.kind}`
    },
  }
}

async function play(text: string, stage: Stage) {
  const told: Told[] = []
  const played = await playScript(parseScript(text), stage, async (one) => void told.push(one))
  return { told, played, outputs: told.map(({ output }) => output) }
}

test('each line is told with what it did', async () => {
  const stage = stageOf({ 'put k v': [{ stdout: 'stored k\n' }], 'get k': [{ stdout: 'v' }] })
  const { told, played } = await play('split ann bob\nann: put k v\n# x\nexpect on all: get k = v\necho the end', stage)
  expect(told).toEqual([
    { line: 1, kind: 'split', statement: 'split ann bob', output: 'did split' },
    { line: 2, kind: 'run', statement: 'ann: put k v', output: 'stored k' },
    { line: 4, kind: 'expect', statement: 'expect on all: get k = v', output: 'ann bob: so it is' },
    { line: 5, kind: 'echo', statement: "echo 'the end'", output: 'the end' },
  ])
  expect(played).toEqual({ statements: 4, expectations: 1 })
})

test('lines of an output are compared with a comma between, and remarks where there is no output', async () => {
  const stage = stageOf({ 'set ls b': [{ stdout: 'coffee\ntea\n' }], conflicts: [{ stderr: 'no conflicts\n' }] })
  await play(
    'expect ann: set ls b = coffee, tea\nexpect ann: conflicts = no conflicts\nexpect ann: set ls b contains tea',
    stage,
  )
  expect(stage.asked).toHaveLength(3)
})

test('what is read is looked at until it is as expected', async () => {
  const stage = stageOf({ 'get k': [{ exit: 3 }, { stdout: 'old' }, { stdout: 'new' }] })
  await play('expect ann: get k = new', stage)
  expect(stage.asked).toHaveLength(3)
})

test('what is written is tried once', async () => {
  const stage = stageOf({ 'put k v': [{ exit: 0 }, { exit: 4 }] })
  await expect(play('expect ann: put k v fails 4', stage)).rejects.toMatchObject({ code: 'NOT_AS_EXPECTED', exit: 1 })
  expect(stage.asked).toHaveLength(1)
})

test('a line that fails ends the script with what was seen', async () => {
  const stage = stageOf({
    'counter incr n': [{ stdout: '2\n' }],
    'put k v': [{ exit: 4, stderr: 'error EXISTS: k exists\n' }],
  })
  await expect(play('heal\nexpect bob: counter incr n = 3\nheal', stage)).rejects.toMatchObject({
    code: 'NOT_AS_EXPECTED',
    message: "line 2: expect bob: counter incr n = 3: expected on bob '3', saw '2'",
    details: { line: 2, exit: 0, stdout: '2\n' },
  })
  expect(stage.acts).toEqual(['heal'])
  await expect(play('ann: put k v', stage)).rejects.toThrow(
    "line 1: ann: put k v: it was to succeed on ann, saw exit code 4: 'error EXISTS: k exists'",
  )
})

test('nodes that answer differently are told apart', async () => {
  const stage = stageOf({ 'ann: get k': [{ stdout: 'a' }], 'bob: get k': [{ stdout: 'b' }] })
  expect((await play('on all: get k', stage)).outputs).toEqual(['ann: a\nbob: b'])
})

test('an interrupted script goes no further', async () => {
  const stage = stageOf({})
  const ending = new AbortController()
  ending.abort(new Error('interrupted'))
  await expect(playScript(parseScript('heal'), stage, async () => {}, ending.signal)).rejects.toThrow('interrupted')
  expect(stage.acts).toEqual([])
})
