/**
 * Contexts of documents: the dots that were read, and what they showed, so that an edit can be made to just that later.
 */
import { contextHeadsMax } from '../documents/limits.js'
import { HearsayError } from '../errors.js'
import type { Address } from '../model/address.js'
import type { ByteReader, ByteWriter } from '../model/bytes.js'
import { readDot, writeDot } from '../model/codec.js'
import type { Dot } from '../model/dot.js'
import type { Access } from './access.js'
import type { AnswerCodec } from './once.js'

/** Dots and changes that a token of a document names. */
export interface DocumentContext {
  readonly dots: readonly Dot[]
  /** The changes that made the document what was shown: 64 hexadecimal digits each, sorted. */
  readonly heads: readonly string[]
}

/** A write as it is remembered for its retries. */
export interface WrittenDocument {
  readonly dot: Dot
  readonly heads: readonly string[]
}

const headBytes = 32

/**
 * Writes and reads tokens: the token of the dots, a dot, and the changes; the former is authenticated together with the
 * latter.
 */
export class DocumentTokens {
  readonly #access: Access

  constructor(access: Access) {
    this.#access = access
  }

  /** The token of a context. */
  token(address: Address, { dots, heads }: DocumentContext): string {
    const changes = Buffer.from(heads.join(''), 'hex')
    return `${this.#access.token({ ...address, field: changes }, dots)}.${changes.toString('base64url')}`
  }

  /** The context of a token; undefined without one. Throws BAD_CONTEXT. */
  read(address: Address, token: string | undefined): DocumentContext | undefined {
    if (token === undefined) return undefined
    const [body = '', changes = '', ...more] = token.split('.')
    const bytes = Buffer.from(changes, 'base64url')
    const isWhole = bytes.length % headBytes === 0 && bytes.length <= contextHeadsMax * headBytes
    if (more.length > 0 || !isWhole || bytes.toString('base64url') !== changes) throw bad()
    return { dots: this.#access.contextDots({ ...address, field: bytes }, body) ?? [], heads: headsOf(bytes) }
  }
}

/** An edit's dot and the changes that it left. */
export const documentAnswer: AnswerCodec<WrittenDocument> = {
  write(writer: ByteWriter, { dot, heads }: WrittenDocument): void {
    writeDot(writer, dot)
    writer.raw(Buffer.from(heads.join(''), 'hex'))
  },
  read(reader: ByteReader): WrittenDocument {
    return { dot: readDot(reader), heads: headsOf(reader.raw(reader.left)) }
  },
}

function headsOf(bytes: Buffer): string[] {
  return Array.from({ length: bytes.length / headBytes }, (_, at) =>
    bytes.subarray(at * headBytes, (at + 1) * headBytes).toString('hex'),
  )
}

function bad(): HearsayError {
  return new HearsayError(
    'BAD_CONTEXT',
    'this context is malformed or altered; read the document again and use the context of that answer',
  )
}
