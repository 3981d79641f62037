/** JSON of collections of any size, written piece by piece, so that memory stays bounded whatever the collection has. */

/** `head`, then the items behind commas, then `tail`; one piece of text for each chunk. `first` is a chunk that was read already. */
export async function* jsonStream<T>(
  head: string,
  first: readonly T[],
  rest: AsyncIterable<readonly T[]>,
  tail: string,
  write: (item: T) => string,
): AsyncGenerator<Buffer> {
  yield Buffer.from(head + first.map(write).join(','))
  for await (const chunk of rest) yield Buffer.from(`,${chunk.map(write).join(',')}`)
  yield Buffer.from(tail)
}
