/** What people write into flags, variables, the configuration file and scripts of the lab. */
import { decodeLinks, openLinks } from '../../../cli/lab/links.js'
import { parseScript, ScriptProblem } from '../../../cli/lab/script.js'
import { parseApiAddress, parseResolvers } from '../../../daemon/config/checks.js'
import { parseAcks, parseDuration, parseSize } from '../../../daemon/config/parse.js'
import { type Decoder, isPlainError, textDecoder } from './decoder.js'

const isLinksError = (error: unknown) => isPlainError(error) || error instanceof SyntaxError
const script = `up 3 --acks 2
split ann,bob cid # a cut
slow ann bob --delay 1s --loss 2%
expect on all: get "a\\n" contains 'x'
`

/** Of settings, and of the lab. */
export const settingDecoders: readonly Decoder[] = [
  textDecoder('duration', ['1h30m', '2.5s', '250ms'], parseDuration, isPlainError),
  textDecoder('size', ['64MiB', '8 MB', '4096'], parseSize, isPlainError),
  textDecoder('acks', ['majority', '3'], parseAcks, isPlainError),
  textDecoder('api address', ['127.0.0.1:7480', '[::1]:7480', '7480'], parseApiAddress, isPlainError),
  textDecoder('resolvers', ['[{"prefix":"a/","use":"lww"}]'], parseResolvers, isPlainError),
  textDecoder('lab script', [script], parseScript, (error) => error instanceof ScriptProblem),
  textDecoder('lab links', [JSON.stringify({ ...openLinks, groups: [['ann'], ['bob']] })], decodeLinks, isLinksError),
]
