/**
 * Bounds the WebAssembly memory of a thread, which the limits of a thread's heap leave out. A program that needs more
 * fails by itself, as one does on a machine without memory.
 */

/** Bytes of a page of WebAssembly memory. */
const pageBytes = 64 * 1024
/** Bytes before the first section of a program, and the id of the section of its memories. */
const headerBytes = 8
const memorySection = 5

/** The two constructors by which a library makes its program run; Node's types leave them out. */
interface Constructors {
  Module: new (program: Uint8Array) => object
  Instance: new (module: object, imports?: object) => { readonly exports: Readonly<Record<string, unknown>> }
}

/** Bounds what WebAssembly programs of this thread may take from now on. Returns a function for what they have taken. */
export function boundWasmMemory(bytesMax: number): () => number {
  const scope = (globalThis as unknown as { WebAssembly: Constructors }).WebAssembly
  const { Module, Instance } = scope
  const memories: { readonly buffer: ArrayBuffer }[] = []
  scope.Module = class extends Module {
    constructor(program: Uint8Array) {
      super(withMemoryMax(program, Math.floor(bytesMax / pageBytes)))
    }
  }
  scope.Instance = class extends Instance {
    constructor(module: object, imports?: object) {
      super(module, imports)
      const { memory } = this.exports
      if (memory !== undefined) memories.push(memory as { readonly buffer: ArrayBuffer })
    }
  }
  return () => memories.reduce((sum, { buffer }) => sum + buffer.byteLength, 0)
}

/**
 * A program whose one memory has no greatest size, with one of so many pages. Throws a RangeError for a program of
 * another form. The format is that of the WebAssembly core specification, 5.5.8.
 */
export function withMemoryMax(program: Uint8Array, pagesMax: number): Uint8Array<ArrayBuffer> {
  for (let at = headerBytes; at < program.length; ) {
    const size = numberAt(program, at + 1)
    const end = size.next + size.value
    if (program[at] === memorySection) {
      const [count, flags] = [program[size.next], program[size.next + 1]]
      const min = numberAt(program, size.next + 2)
      if (count !== 1 || flags !== 0 || min.next !== end || min.value > pagesMax) break
      const body = [1, 1, ...program.subarray(size.next + 2, end), ...numberBytes(pagesMax)]
      const section = [memorySection, ...numberBytes(body.length), ...body]
      return Uint8Array.from(Buffer.concat([program.subarray(0, at), Uint8Array.from(section), program.subarray(end)]))
    }
    at = end
  }
  throw new RangeError('not a WebAssembly program with one memory that is not bounded')
}

/** A number in seven bits a byte, least significant first, and the place after it. */
function numberAt(bytes: Uint8Array, at: number): { readonly value: number; readonly next: number } {
  let value = 0
  for (let next = at, scale = 1; next < bytes.length; scale *= 128) {
    const byte = bytes[next++]!
    value += (byte % 128) * scale
    if (byte < 128) return { value, next }
  }
  throw new RangeError('the program ends in a number')
}

function numberBytes(value: number): number[] {
  return value < 128 ? [value] : [(value % 128) + 128, ...numberBytes(Math.floor(value / 128))]
}
