/**
 * Deliberate bugs in what is done with what only a later version knows: all simulated nodes are of one version, so a
 * test catches them.
 */
import { one } from './mutation.mjs'

const builds = { test: { file: 'test/unit/two-builds.test.ts', isBuilt: false } }

/** See mutations.mjs. */
export const wireMutations = [
  one(
    'unknown-type-refused',
    'an address of a type that is not known is malformed',
    'store/model/codec.ts',
    '  const type = typeOf(reader.u8())\n',
    "  const type = typeOf(reader.u8())\n  if (/^type-/.test(type)) throw new DecodeError('unknown type')\n",
    builds,
  ),
  one(
    'unknown-type-is-of-the-mesh',
    'what a later version stores for users counts as a record of the mesh',
    'store/model/types.ts',
    'const meshTypesFrom = 128',
    'const meshTypesFrom = 6',
    builds,
  ),
  one(
    'later-fields-refused',
    'a message that ends with fields of a later version is malformed',
    'protocols/later.ts',
    '    if (field <= last)',
    '    if (field > last)',
    builds,
  ),
  one(
    'later-message-cuts',
    'a message of a later version ends the session',
    'protocols/sync/driver.ts',
    'if (!isLaterMessage(message, lastMessageCode)) return',
    'if (message.length > 0) return',
    builds,
  ),
  one(
    'later-gossip-is-stopped',
    'a message of gossip of a later version is not passed on, and counts as malformed',
    'protocols/gossip/messages.ts',
    "    endLaterMessage(reader)\n    return { kind: 'later' }\n  }\n  if (version",
    "    endLaterMessage(reader)\n    throw new DecodeError('unknown version')\n  }\n  if (version",
    builds,
  ),
  one(
    'opaque-import-supersedes',
    'an import of what is not understood takes the place of what is there',
    'store/data/contents.ts',
    'transaction.put(address, value, expiresAtMs, [])',
    'transaction.put(address, value, expiresAtMs, transaction.versions(address).map(({ dot }) => dot))',
    { test: { file: 'test/unit/types.test.ts', isBuilt: false } },
  ),
]
