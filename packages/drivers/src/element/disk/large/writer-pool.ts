import type { LargeSink, SinkOptions } from './large-sink.ts'
import { Slabs } from './slabs.ts'
import { ThreadSink } from './thread-sink.ts'
import { Writer } from './writer.ts'

export interface WriterPool extends AsyncDisposable {
  open(options: SinkOptions): Promise<LargeSink>
}

/**
 * Threads that hash and write large bodies. A body belongs to one thread; its bytes are copied into
 * slabs of shared memory that all bodies take in turn. A slab is taken only for bytes that are
 * there, and kept back only while there are plenty, so slow senders hold nobody up.
 */
export function openWriterPool(
  threads: number,
  onLost: (reason: string) => void = () => {},
): WriterPool {
  const slabs = new Slabs()
  const writers = Array.from({ length: threads }, () => new Writer(slabs, onLost))
  return {
    async open(options) {
      const [first, ...others] = writers
      if (first === undefined) throw new Error('a pool needs a thread')
      const idlest = others.reduce((best, one) => (one.bodies < best.bodies ? one : best), first)
      return new ThreadSink(idlest, options)
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(writers.map(writer => writer.close()))
    },
  }
}
