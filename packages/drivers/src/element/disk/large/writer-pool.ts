import { Worker } from 'node:worker_threads'
import { HoldfastError } from '@holdfast/core/errors.ts'
import type { WriteOptions } from '@holdfast/core/ports/element.ts'
import { fromReplyError } from '../../../store/reply-error.ts'
import { requireDigests } from '../../digest-tally.ts'
import { type LargeSink, SINK_BYTES, type SinkOptions, type SunkFacts } from './large-sink.ts'
import type { FromWriter, ToWriter } from './writer-messages.ts'

/** What we use of the WebAssembly of every JavaScript engine; Node's types leave it to browsers. */
declare const WebAssembly: {
  readonly Memory: new (size: {
    initial: number
    maximum: number
    shared: boolean
  }) => {
    readonly buffer: ArrayBuffer | SharedArrayBuffer
  }
}

const PAGE_BYTES = 64 * 1024
/** Enough for both threads to have one being written and some waiting. */
const SLABS = 32

export interface WriterPool extends AsyncDisposable {
  open(options: SinkOptions): Promise<LargeSink>
}

/**
 * Threads that hash and write large bodies. A body belongs to one thread; its bytes are copied into
 * slabs of shared memory that all bodies take in turn. A slab is taken only for bytes that are
 * there, so slow senders hold none.
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
      return await ThreadSink.open(idlest, slabs, options)
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(writers.map(writer => writer.close()))
    },
  }
}

/** Memory of WebAssembly is shared and aligned to pages, which direct writes need. */
class Slabs {
  readonly memory: SharedArrayBuffer
  readonly #free = Array.from({ length: SLABS }, (_, index) => index)
  readonly #waiting: ((slab: number) => void)[] = []

  constructor() {
    const pages = (SLABS * SINK_BYTES) / PAGE_BYTES
    const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true })
    const { buffer } = memory
    if (!(buffer instanceof SharedArrayBuffer)) throw new Error('memory cannot be shared')
    this.memory = buffer
  }

  take(): number | Promise<number> {
    const slab = this.#free.pop()
    if (slab !== undefined) return slab
    return new Promise(resolve => this.#waiting.push(resolve))
  }

  give(slab: number): void {
    const next = this.#waiting.shift()
    if (next === undefined) this.#free.push(slab)
    else next(slab)
  }

  fill(slab: number, chunks: readonly Uint8Array[]): void {
    const into = new Uint8Array(this.memory, slab * SINK_BYTES, SINK_BYTES)
    let at = 0
    for (const chunk of chunks) {
      into.set(chunk, at)
      at += chunk.length
    }
  }
}

class Writer {
  bodies = 0
  readonly #slabs: Slabs
  readonly #worker: Worker
  readonly #waiting = new Map<number, PromiseWithResolvers<FromWriter>[]>()
  readonly #onLost: (reason: string) => void
  #lost: Error | undefined
  #nextId = 1

  constructor(slabs: Slabs, onLost: (reason: string) => void) {
    this.#slabs = slabs
    this.#onLost = onLost
    const url = new URL('./writer-thread.ts', import.meta.url)
    this.#worker = new Worker(url, {
      workerData: { slabs: slabs.memory },
      name: 'writer',
      resourceLimits: { maxYoungGenerationSizeMb: 4, maxOldGenerationSizeMb: 64 },
    })
    this.#worker.unref()
    this.#worker.on('message', (message: FromWriter) => this.#receive(message))
    this.#worker.on('error', error => this.#lose(error))
    this.#worker.on('exit', () => this.#lose(new Error('a writer thread has ended')))
  }

  newId(): number {
    return this.#nextId++
  }

  /** The thread answers the messages of one body in their order. */
  async ask(message: ToWriter): Promise<FromWriter> {
    if (this.#lost !== undefined) throw this.#lost
    const waiting = Promise.withResolvers<FromWriter>()
    const ofBody = this.#waiting.get(message.id)
    if (ofBody === undefined) this.#waiting.set(message.id, [waiting])
    else ofBody.push(waiting)
    this.#worker.postMessage(message)
    return await waiting.promise
  }

  forget(id: number): void {
    this.#waiting.delete(id)
  }

  async close(): Promise<void> {
    this.#lost ??= new HoldfastError('SHUTTING_DOWN')
    await this.#worker.terminate()
  }

  #receive(message: FromWriter): void {
    if (message.slab !== null) this.#slabs.give(message.slab)
    const waiting = this.#waiting.get(message.id)?.shift()
    if (message.kind === 'failed') waiting?.reject(fromReplyError(message.error))
    else waiting?.resolve(message)
  }

  /** Slabs that were on their way are lost with the thread. */
  #lose(cause: Error): void {
    const error = this.#lost ?? new HoldfastError('STORAGE_UNAVAILABLE', {}, { cause })
    for (const ofBody of this.#waiting.values()) for (const { reject } of ofBody) reject(error)
    this.#waiting.clear()
    if (this.#lost !== undefined) return
    this.#lost = error
    this.#onLost(cause.message)
  }
}

class ThreadSink implements LargeSink {
  readonly copies = true
  readonly #writer: Writer
  readonly #slabs: Slabs
  readonly #id: number
  #writing: Promise<FromWriter> | undefined
  #trailing: WriteOptions['trailing']
  #isOver = false

  private constructor(writer: Writer, slabs: Slabs) {
    this.#writer = writer
    this.#slabs = slabs
    this.#id = writer.newId()
  }

  static async open(writer: Writer, slabs: Slabs, options: SinkOptions): Promise<ThreadSink> {
    const sink = new ThreadSink(writer, slabs)
    const { path, blockBytes, write } = options
    const digests = {
      ...(write.expected === undefined ? {} : { expected: write.expected }),
      ...(write.md5 === undefined ? {} : { md5: write.md5 }),
      ...(write.digests === undefined ? {} : { digests: write.digests }),
    }
    // A function cannot cross to the thread, and is asked only after the bytes.
    sink.#trailing = write.trailing
    writer.bodies += 1
    try {
      await writer.ask({ kind: 'open', id: sink.#id, path, blockBytes, digests })
    } catch (error) {
      sink.#end()
      throw error
    }
    return sink
  }

  /** Receiving the next bytes overlaps with hashing and writing these. */
  async write(chunks: readonly Uint8Array[], size: number): Promise<void> {
    await this.#writing
    const slab = await this.#filled(chunks)
    this.#writing = this.#writer.ask({ kind: 'write', id: this.#id, slab, size })
    // The failure is raised by whoever awaits next; it must not count as unhandled until then.
    this.#writing.catch(() => {})
  }

  async finish(chunks: readonly Uint8Array[], size: number): Promise<SunkFacts> {
    await this.#writing
    const slab = await this.#filled(chunks)
    const answer = await this.#writer.ask({ kind: 'finish', id: this.#id, slab, size })
    if (answer.kind !== 'finished') throw new Error('a writer thread answered out of order')
    this.#end()
    const { facts } = answer
    requireDigests({ ...facts.digests, sha256: facts.sha256 }, this.#trailing?.() ?? {})
    return facts
  }

  async abandon(): Promise<void> {
    if (this.#isOver) return
    await this.#writing?.catch(() => {})
    await this.#writer.ask({ kind: 'abandon', id: this.#id }).catch(() => {})
    this.#end()
  }

  async #filled(chunks: readonly Uint8Array[]): Promise<number> {
    const slab = await this.#slabs.take()
    this.#slabs.fill(slab, chunks)
    return slab
  }

  #end(): void {
    this.#isOver = true
    this.#writer.bodies -= 1
    this.#writer.forget(this.#id)
  }
}
