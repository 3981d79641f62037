/** What clients send: paths, queries, bodies, lines of an import; and the tokens that they were given before. */
import { parseJson } from '../../../daemon/http/body.js'
import { keyOf } from '../../../daemon/http/paths.js'
import { parseQuery, typedQuery } from '../../../daemon/http/query.js'
import { parseLine } from '../../../daemon/http/transfer/import-lines.js'
import { decodeInvite, encodeInvite } from '../../../protocols/membership/invite.js'
import { Access } from '../../../store/data/access.js'
import { DocumentTokens } from '../../../store/data/document-tokens.js'
import { parseJsonPatch } from '../../../store/documents/json-patch.js'
import { document } from '../../../store/model/address.js'
import { decodeToken, encodeToken } from '../../../store/model/token.js'
import type { Replica } from '../../../store/replica/replica.js'
import { bytesAsText, type Decoder, isKnownError, textDecoder, throwsNothing } from './decoder.js'
import { address, exampleDot, exampleSecret, key } from './examples.js'

const tokens = new DocumentTokens(
  new Access({ sync: { digestOf: () => undefined } } as unknown as Replica, () => Buffer.alloc(32, 1)),
)

/** Of requests and tokens. */
export const requestDecoders: readonly Decoder[] = [
  textDecoder(
    'invitation',
    [encodeInvite({ secret: exampleSecret, peer: '12D3KooW', addresses: ['/ip4/127.0.0.1/tcp/7400'] })],
    decodeInvite,
    isKnownError,
  ),
  textDecoder(
    'context token',
    [encodeToken(key, address, [exampleDot])],
    (token) => decodeToken(key, address, token),
    throwsNothing,
  ),
  textDecoder(
    'context token of a document',
    [tokens.token(document('key'), { dots: [exampleDot], heads: ['ab'.repeat(32)] })],
    (token) => tokens.read(document('key'), token),
    isKnownError,
  ),
  {
    name: 'json patch',
    examples: [
      Buffer.from('[{"op":"add","path":"/a~1b/0","value":{"c":[1.5,"x"]}},{"op":"move","from":"/a","path":"/b/-"}]'),
    ],
    decode: (bytes) => parseJsonPatch(parseJson(Buffer.from(bytes))),
    accepts: isKnownError,
  },
  {
    name: 'key in a path',
    examples: [Buffer.from('/v1/kv/a%2Fb%C3%A4?ttl=3s')],
    decode: (bytes) => keyOf(`/v1/kv/${bytesAsText(bytes)}`),
    accepts: isKnownError,
  },
  textDecoder(
    'query',
    ['prefix=a%2F&limit=10&values=true&limit=3'],
    (query) =>
      typedQuery(parseQuery(query), { properties: { limit: { type: 'integer' }, values: { type: 'boolean' } } }),
    isKnownError,
  ),
  {
    name: 'import line',
    examples: [
      '{"key":"k","value":"v","encoding":"utf8"}',
      '{"key":"k","type":"reg","versions":[{"value":"dg==","encoding":"base64","expires":"2030-01-01T00:00:00.000Z"}]}',
    ].map((line) => Buffer.from(line)),
    decode: (bytes) => parseLine(Buffer.from(bytes), () => 0),
    accepts: isKnownError,
  },
  {
    name: 'json body',
    examples: [Buffer.from('{"peers":["one"],"deep":[[[{"a":1e9}]]]}')],
    decode: (bytes) => parseJson(Buffer.from(bytes)),
    accepts: isKnownError,
  },
]
