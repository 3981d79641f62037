/** The codec of the parts of messages: flags, nodes of both kinds of trees with answers, and wanted positions. */
import { type ByteReader, type ByteWriter, DecodeError } from '../../store/model/bytes.js'
import { fanout, saltedDigestBytes } from '../../store/model/roots.js'
import { readActors, writeActors } from './core/captures.js'
import type { TableMessage, TableNode } from './core/tables.js'
import { listingEntriesMax, tableDigestBytes, tableNodesMax, treeNodesMax, wantsMax } from './limits.js'
import type { TreeNode } from './messages.js'

/** Writes a byte: 1 for true. */
export function writeFlag(writer: ByteWriter, value: boolean): void {
  writer.u8(value ? 1 : 0)
}

/** Reads a byte that is 0 or 1. Throws a DecodeError for another. */
export function readFlag(reader: ByteReader): boolean {
  const value = reader.u8()
  if (value > 1) throw new DecodeError('bad flag')
  return value === 1
}

/** Writes answers, then nodes: 0 and 16 digests, or 1 and actors; then actors. */
export function writeTableNodes(writer: ByteWriter, { answers, nodes, actors }: TableMessage): void {
  writeAnswers(writer, answers, tableNodesMax)
  writer.varint(nodes.length, tableNodesMax)
  for (const node of nodes) {
    writeFlag(writer, node.kind === 'listing')
    if (node.kind === 'digests') writer.raw(node.digests)
    else writeActors(writer, node.actors)
  }
  writeActors(writer, actors)
}

/** Reads what `writeTableNodes` writes. Throws a DecodeError for anything else. */
export function readTableNodes(reader: ByteReader): TableMessage {
  const answers = readAnswers(reader, tableNodesMax)
  const nodes: TableNode[] = []
  for (let left = reader.count(tableNodesMax, 2); left > 0; left--) {
    nodes.push(
      readFlag(reader)
        ? { kind: 'listing', actors: readActors(reader) }
        : { kind: 'digests', digests: Uint8Array.from(reader.raw(fanout * tableDigestBytes)) },
    )
  }
  return { answers, nodes, actors: readActors(reader) }
}

function writeAnswers(writer: ByteWriter, answers: readonly number[], max: number): void {
  writer.varint(answers.length, max)
  for (const answer of answers) writer.u8(answer & 0xff).u8(answer >> 8)
}

function readAnswers(reader: ByteReader, max: number): number[] {
  const answers: number[] = []
  for (let left = reader.count(max, 2); left > 0; left--) answers.push(reader.u8() | (reader.u8() << 8))
  return answers
}

const blockBytes = 16 * saltedDigestBytes

/** Writes answers, then nodes: 0 and 16 digests, or the count plus one and the digests of a listing. */
export function writeTreeNodes(writer: ByteWriter, answers: readonly number[], nodes: readonly TreeNode[]): void {
  writeAnswers(writer, answers, treeNodesMax)
  writer.varint(nodes.length, treeNodesMax)
  for (const { kind, digests } of nodes) {
    const count = kind === 'digests' ? 0 : digests.length / saltedDigestBytes + 1
    writer.varint(count, listingEntriesMax + 1).raw(digests)
  }
}

/** Reads what `writeTreeNodes` writes. Throws a DecodeError for anything else. */
export function readTreeNodes(reader: ByteReader): { answers: number[]; nodes: TreeNode[] } {
  const answers = readAnswers(reader, treeNodesMax)
  const nodes: TreeNode[] = []
  for (let left = reader.count(treeNodesMax, 1); left > 0; left--) nodes.push(readNode(reader))
  return { answers, nodes }
}

function readNode(reader: ByteReader): TreeNode {
  const count = reader.varint(listingEntriesMax + 1)
  if (count === 0) return { kind: 'digests', digests: reader.raw(blockBytes) }
  return { kind: 'listing', digests: reader.raw((count - 1) * saltedDigestBytes) }
}

/** Writes positions in ascending order, each as its distance from the one before. */
export function writePositions(writer: ByteWriter, positions: readonly number[]): void {
  writer.varint(positions.length, wantsMax)
  let next = 0
  for (const position of positions) {
    writer.varint(position - next)
    next = position + 1
  }
}

/** Reads what `writePositions` writes. Throws a DecodeError for anything else. */
export function readPositions(reader: ByteReader): number[] {
  const positions: number[] = []
  let next = 0
  for (let left = reader.count(wantsMax); left > 0; left--) {
    const position = next + reader.varint()
    positions.push(position)
    next = position + 1
  }
  return positions
}
