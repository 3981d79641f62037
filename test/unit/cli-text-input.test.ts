/** Arguments and variables that are not UTF-8 are refused; a U+FFFD that was given as such is text. */
import { describe, expect, test } from 'vitest'
import { badText, type StartBytes } from '../../cli/text-input.js'

const latin1 = (text: string) => Buffer.from(text, 'latin1')
const block = (...parts: Buffer[]) => Buffer.concat(parts.flatMap((part) => [part, Buffer.from([0])]))
/** As Node reads the bytes. */
const asRead = (bytes: Buffer) => bytes.toString('utf8')

const shown = (commandLine: Buffer, variables = Buffer.alloc(0)): StartBytes => ({
  commandLine: () => commandLine,
  variables: () => variables,
})
const hidden: StartBytes = { commandLine: () => undefined, variables: () => undefined }
const program = [Buffer.from('node'), Buffer.from('hearsay.js')]

describe('arguments', () => {
  const bad = latin1('caf\xe9')
  const argv = ['put', asRead(bad), 'v', '']

  test('that are not UTF-8 are named, with what to do', () => {
    const found = badText(
      argv,
      {},
      shown(block(...program, Buffer.from('put'), bad, Buffer.from('v'), Buffer.alloc(0))),
    )
    expect(found).toMatch(/^argument 2 'caf\ufffd' is not UTF-8\. .*--file FILE.* - on stdin/)
  })

  test('with U+FFFD of their own are text', () => {
    const given = argv.map((argument) => Buffer.from(argument))
    expect(badText(argv, {}, shown(block(...program, ...given)))).toBeUndefined()
  })

  test('of both kinds are told apart, also when they read alike', () => {
    const both = ['put', asRead(bad), asRead(bad)]
    const given = [Buffer.from('put'), Buffer.from(asRead(bad)), bad]
    expect(badText(both, {}, shown(block(...program, ...given)))).toMatch(/^argument 3 /)
  })

  test('are refused where the system does not show the bytes', () => {
    expect(badText(argv, {}, hidden)).toMatch(/^argument 2 .* holds U\+FFFD, .*this system does not tell/)
  })

  test('without U+FFFD need no look at the bytes', () => {
    const never = () => {
      throw new Error('looked at')
    }
    expect(badText(['put', 'é'], { HEARSAY_NAME: 'é' }, { commandLine: never, variables: never })).toBeUndefined()
  })
})

describe('variables', () => {
  const bad = latin1('HEARSAY_DATA=/caf\xe9')
  const environment = { HEARSAY_DATA: asRead(latin1('/caf\xe9')), OTHER: '\ufffd' }

  test.each(['HEARSAY_DATA', 'HEARSAY_TOKEN', 'HEARSAY_UNHEARD_OF', 'HOME', 'XDG_DATA_HOME'])('%s', (name) => {
    const given = latin1(`${name}=\xff`)
    const found = badText(
      [],
      { [name]: asRead(latin1('\xff')) },
      shown(Buffer.alloc(0), block(Buffer.from('A=1'), given)),
    )
    expect(found).toMatch(new RegExp(`^the variable ${name} '\ufffd' is not UTF-8\\. Set it to UTF-8`))
  })

  test('with U+FFFD of their own are text, and those of others are not looked at', () => {
    const given = block(Buffer.from(asRead(bad)), latin1('OTHER=\xff'))
    expect(badText([], environment, shown(Buffer.alloc(0), given))).toBeUndefined()
    expect(badText([], environment, shown(Buffer.alloc(0), block(bad)))).toMatch(/^the variable HEARSAY_DATA/)
    expect(badText([], environment, hidden)).toMatch(/this system does not tell/)
  })
})
