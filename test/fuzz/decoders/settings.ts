/** What operators write into flags, variables and the configuration file. */
import { parseApiAddress, parseResolvers } from '../../../daemon/config/checks.js'
import { parseAcks, parseDuration, parseSize } from '../../../daemon/config/parse.js'
import { type Decoder, isPlainError, textDecoder } from './decoder.js'

/** Of settings. */
export const settingDecoders: readonly Decoder[] = [
  textDecoder('duration', ['1h30m', '2.5s', '250ms'], parseDuration, isPlainError),
  textDecoder('size', ['64MiB', '8 MB', '4096'], parseSize, isPlainError),
  textDecoder('acks', ['majority', '3'], parseAcks, isPlainError),
  textDecoder('api address', ['127.0.0.1:7480', '[::1]:7480', '7480'], parseApiAddress, isPlainError),
  textDecoder('resolvers', ['[{"prefix":"a/","use":"lww"}]'], parseResolvers, isPlainError),
]
