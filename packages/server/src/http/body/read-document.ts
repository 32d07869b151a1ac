import type { ByteSource } from '@holdfast/core/ports/element.ts'

const FIRST_BYTES = 4096

/**
 * All bytes of a document; undefined once there are more than `bytesMax`. Copied at once: a body
 * that comes in pieces of one byte each would be a hundred times as long in memory as on the wire.
 */
export async function readDocument(
  source: ByteSource,
  bytesMax: number,
): Promise<Buffer | undefined> {
  let memory = Buffer.alloc(0)
  let size = 0
  for await (const piece of source) {
    const needed = size + piece.length
    if (needed > bytesMax) return undefined
    if (needed > memory.length) memory = grown(memory.subarray(0, size), needed)
    memory.set(piece, size)
    size = needed
  }
  return memory.subarray(0, size)
}

function grown(bytes: Buffer, needed: number): Buffer<ArrayBuffer> {
  const larger = Buffer.allocUnsafeSlow(Math.max(FIRST_BYTES, needed, bytes.length * 2))
  larger.set(bytes)
  return larger
}
