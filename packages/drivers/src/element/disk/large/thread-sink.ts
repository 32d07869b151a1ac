import type { WriteOptions } from '@holdfast/core/ports/element.ts'
import { requireDigests } from '../../digest-tally.ts'
import { BodyMd5, withoutMd5 } from './body-md5.ts'
import { type LargeSink, SINK_BYTES, type SinkOptions, type SunkFacts } from './large-sink.ts'
import type { SlabHolder } from './slabs.ts'
import type { Writer } from './writer.ts'
import type { FromWriter } from './writer-messages.ts'
import type { WrittenFileOptions } from './written-file.ts'

/**
 * Slabs of one write. A direct write of 512 KiB costs a third of the CPU time that four of 128 KiB
 * do, and the disk is half as fast again.
 */
const SLABS_OF_WRITE = 4
/** Of one body: one is being written while the other is hashed. */
const WRITES_AT_ONCE = 2

export interface SinkThreads {
  readonly writer: Writer
  /** Takes the MD5, where one is wanted and this machine can take several at once. */
  readonly hasher: Writer | undefined
}

/** A body on its way through one writer thread, and through the one for MD5s beside it. */
export class ThreadSink implements LargeSink, SlabHolder {
  readonly copies = true
  readonly #writer: Writer
  readonly #id: number
  readonly #md5: BodyMd5 | undefined
  readonly #trailing: WriteOptions['trailing']
  /** Until the first bytes are sent off. */
  #open: WrittenFileOptions | undefined
  /** Full slabs that are not sent off yet. */
  #held: number[] = []
  #writing: Promise<unknown>[] = []
  #isOver = false

  constructor({ writer, hasher }: SinkThreads, { path, blockBytes, write }: SinkOptions) {
    this.#writer = writer
    this.#id = writer.newId()
    this.#md5 = hasher === undefined ? undefined : new BodyMd5(hasher, write)
    const { expected, md5, digests: names } = this.#md5 === undefined ? write : withoutMd5(write)
    const digests = {
      ...(expected === undefined ? {} : { expected }),
      ...(md5 === undefined ? {} : { md5 }),
      ...(names === undefined ? {} : { digests: names }),
    }
    // A function cannot cross to the thread, and is asked only after the bytes.
    this.#trailing = write.trailing
    this.#open = { path, blockBytes, digests }
    writer.bodies += 1
  }

  /** Receiving the next bytes overlaps with hashing and writing these. */
  async write(chunks: readonly Uint8Array[]): Promise<void> {
    const { slabs } = this.#writer
    this.#held.push(await this.#filled(chunks))
    slabs.hold(this)
    if (this.#held.length >= SLABS_OF_WRITE) this.release()
    while (this.#writing.length > WRITES_AT_ONCE) await this.#writing.shift()
  }

  release(): void {
    const slabs = this.#takeHeld()
    if (slabs.length === 0) return
    const size = slabs.length * SINK_BYTES
    const both = Promise.all(this.#send('write', slabs, size))
    both.catch(() => {})
    this.#writing.push(both)
  }

  async finish(chunks: readonly Uint8Array[], size: number): Promise<SunkFacts> {
    const last = size === 0 ? [] : [await this.#filled(chunks)]
    const held = this.#takeHeld()
    const sent = this.#send('finish', [...held, ...last], held.length * SINK_BYTES + size)
    for (const writing of this.#writing.splice(0)) await writing
    const [answer, hashed] = await Promise.all(sent)
    if (answer.kind !== 'finished') throw new Error('a writer thread answered out of order')
    this.#end()
    const facts = this.#md5?.addTo(answer.facts, hashed) ?? answer.facts
    requireDigests({ ...facts.digests, sha256: facts.sha256 }, this.#trailing?.() ?? {})
    return facts
  }

  async abandon(): Promise<void> {
    if (this.#isOver) return
    this.#writer.slabs.give(this.#takeHeld())
    const abandon = { kind: 'abandon', id: this.#id } as const
    await Promise.allSettled([this.#writer.ask(abandon), this.#md5?.abandon()])
    this.#end()
  }

  /** Both threads look at the same slabs, which are free when both have answered. */
  #send(
    kind: 'write' | 'finish',
    slabs: readonly number[],
    size: number,
  ): [FromWriterPromise, FromWriterPromise | undefined] {
    const open = this.#open
    this.#open = undefined
    const message = { kind, id: this.#id, slabs, size, ...(open === undefined ? {} : { open }) }
    const answer = this.#writer.ask(message)
    // The failure is raised by whoever awaits next; it must not count as unhandled until then.
    answer.catch(() => {})
    return [answer, this.#md5?.send({ kind, slabs, size })]
  }

  async #filled(chunks: readonly Uint8Array[]): Promise<number> {
    const { slabs } = this.#writer
    const slab = await slabs.take()
    slabs.fill(slab, chunks)
    return slab
  }

  #takeHeld(): number[] {
    this.#writer.slabs.letGo(this)
    return this.#held.splice(0)
  }

  #end(): void {
    this.#isOver = true
    this.#writer.bodies -= 1
    this.#writer.forget(this.#id)
    this.#md5?.forget()
  }
}

type FromWriterPromise = Promise<FromWriter>
