import type { WriteOptions } from '@holdfast/core/ports/element.ts'
import { md5Code } from '../lanes/md5-code.ts'
import { canRun } from '../lanes/web-assembly.ts'
import type { LargeSink, SinkOptions } from './large-sink.ts'
import { Slabs } from './slabs.ts'
import { ThreadSink } from './thread-sink.ts'
import { Writer } from './writer.ts'

export interface WriterPool extends AsyncDisposable {
  open(options: SinkOptions): Promise<LargeSink>
}

/**
 * Threads that hash and write large bodies. A body belongs to one thread; its bytes are copied into
 * slabs of shared memory that all bodies take in turn. One more thread takes the MD5s of all of
 * them from the same slabs at the same time: those of several streams cost less together. A slab
 * is taken only for bytes that are there, and kept back only while there are plenty, so slow
 * senders hold nobody up.
 */
export function openWriterPool(
  threads: number,
  onLost: (reason: string) => void = () => {},
  hasLanes = canRun(md5Code),
): WriterPool {
  const slabs = new Slabs()
  const writers = Array.from({ length: threads }, () => {
    return new Writer(slabs, { name: 'writer', onLost })
  })
  let hasher: Writer | undefined
  /** Not before it is needed: a thread takes some megabytes, and REST asks for no MD5. */
  const hasherFor = (write: WriteOptions) => {
    if (!hasLanes || !wantsMd5(write)) return undefined
    hasher ??= new Writer(slabs, { name: 'md5', onLost })
    return hasher
  }
  return {
    async open(options) {
      const [first, ...others] = writers
      if (first === undefined) throw new Error('a pool needs a thread')
      const idlest = others.reduce((best, one) => (one.bodies < best.bodies ? one : best), first)
      return new ThreadSink({ writer: idlest, hasher: hasherFor(options.write) }, options)
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([...writers.map(writer => writer.close()), hasher?.close()])
    },
  }
}

function wantsMd5({ md5, expected, digests }: WriteOptions): boolean {
  return md5 === true || expected?.md5 !== undefined || digests?.includes('md5') === true
}
