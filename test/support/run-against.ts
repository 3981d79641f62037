/** Runs the command line against a fake daemon with given answers. */
import { type FakeAnswer, type FakeApi, type Recorded, startFakeApi } from './fake-api.js'
import { type CliRun, runCli, type Setting } from './run-cli.js'

const fakes: FakeApi[] = []

/** Ends all fakes; after each test. */
export async function stopFakes(): Promise<void> {
  await Promise.all(fakes.splice(0).map((started) => started.stop()))
}

/** A fake daemon. */
export async function fake(answer: (request: Recorded) => FakeAnswer | Promise<FakeAnswer>): Promise<FakeApi> {
  const started = await startFakeApi(answer)
  fakes.push(started)
  return started
}

/** Runs a call against a fake that answers like this. */
export async function against(
  answer: FakeAnswer | ((request: Recorded) => FakeAnswer | Promise<FakeAnswer>),
  argv: readonly string[],
  setting: Setting = {},
): Promise<CliRun & { requests: Recorded[] }> {
  const { api, requests } = await fake(typeof answer === 'function' ? answer : () => answer)
  return {
    ...(await runCli(argv, { ...setting, environment: { HEARSAY_API: api, ...setting.environment } })),
    requests,
  }
}
