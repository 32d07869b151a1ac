import assert from 'node:assert/strict'
import type { ByteSource } from '@holdfast/core/ports/element.ts'

/** How many chunks were given, and of how many the memory came back. */
export interface Lent {
  given: number
  back: number
}

/** A source whose memory is gone at once when it comes back, as that of a connection is. */
export function lendingSource(
  bytes: Uint8Array,
  nextSize: () => number,
): { readonly source: ByteSource; readonly told: Lent } {
  const told = { given: 0, back: 0 }
  async function* chunks(): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < bytes.length; ) {
      const chunk = new Uint8Array(bytes.subarray(at, at + nextSize()))
      at += chunk.length
      told.given += 1
      yield chunk
    }
  }
  const source = Object.assign(chunks(), {
    done: ({ buffer }: Uint8Array) => {
      assert.ok(buffer instanceof ArrayBuffer && buffer.byteLength > 0, 'it comes back once')
      told.back += 1
      buffer.transfer(0)
    },
  })
  return { source, told }
}
