/**
 * Every decoder of bytes or text that come from outside or from the disk, in one table: valid examples, and the errors
 * it may throw.
 */
import type { Decoder } from './decoders/decoder.js'
import { fileDecoders } from './decoders/files.js'
import { requestDecoders } from './decoders/requests.js'
import { rowDecoders } from './decoders/rows.js'
import { settingDecoders } from './decoders/settings.js'
import { wireDecoders } from './decoders/wire.js'

/** The table. */
export const decoders: readonly Decoder[] = [
  ...wireDecoders,
  ...rowDecoders,
  ...fileDecoders,
  ...requestDecoders,
  ...settingDecoders,
]
