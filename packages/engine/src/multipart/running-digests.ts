import { createHash, type Hash } from 'node:crypto'
import type { Call } from '@holdfast/core/call.ts'
import { HoldfastError } from '@holdfast/core/errors.ts'
import type { UploadPart } from '@holdfast/core/objects.ts'
import type { Catalog } from '@holdfast/core/ports/catalog.ts'
import type { Element } from '@holdfast/core/ports/element.ts'
import { readBlob } from '../content/read-blob.ts'
import { Turns } from '../identity/turns.ts'

type Part = Pick<UploadPart, 'sha256' | 'size'>

/** Open uploads that are kept in mind, the last ones that got a part. */
const UPLOADS_MAX = 256
/** Uploads that are read at once, beside those that are being completed. */
const READERS_MAX = 2

/**
 * The SHA-256 of the whole is promised for every content, and costs reading all of it once. It is
 * taken while the parts come, so that a completion has only the last ones left to read. Only what
 * saves time is kept here: whatever is missing or turns out different is read at the completion.
 */
export class RunningDigests {
  readonly #catalog: Catalog
  readonly #element: Element
  readonly #uploads = new Map<string, Prefix>()
  /** Those with a part that is not read yet, in the order in which they asked. */
  readonly #waiting = new Set<string>()
  readonly #readers = new Set<Promise<void>>()
  /** Of callers who complete: one part at a time, whichever of their uploads it is of. */
  readonly #turns = new Turns(Number.POSITIVE_INFINITY)
  #closed = false

  constructor({ catalog, element }: { readonly catalog: Catalog; readonly element: Element }) {
    this.#catalog = catalog
    this.#element = element
  }

  /** A part was kept. Reads it some time, if all parts before it are read. */
  partKept(uploadId: string): void {
    if (this.#closed) return
    const prefix = this.#uploads.get(uploadId) ?? new Prefix()
    this.#uploads.delete(uploadId)
    this.#uploads.set(uploadId, prefix)
    prefix.isBehind = true
    if (this.#uploads.size > UPLOADS_MAX) {
      for (const oldest of this.#uploads.keys()) {
        this.forget(oldest)
        break
      }
    }
    this.#waiting.add(uploadId)
    this.#startReader()
  }

  /** The upload has gone. */
  forget(uploadId: string): void {
    this.#take(uploadId)?.cancel()
  }

  /** SHA-256 of these parts one after the other. What was read already counts if it is the same. */
  async sha256Of(
    uploadId: string,
    parts: readonly Part[],
    { signal, principal }: Pick<Call, 'signal' | 'principal'>,
  ): Promise<string> {
    const known = this.#take(uploadId)
    const [only, second] = parts
    if (only !== undefined && second === undefined) {
      known?.cancel()
      return only.sha256
    }
    known?.stop()
    await known?.reading
    const prefix = known?.isStartOf(parts) === true ? known : new Prefix()
    for (const part of parts.slice(prefix.parts)) {
      await this.#turns.take(principal.id, () => this.#read(prefix, part, signal))
    }
    return prefix.digest()
  }

  /** Ends what is being read; nothing is begun any more. */
  async close(): Promise<void> {
    this.#closed = true
    for (const uploadId of this.#uploads.keys()) this.forget(uploadId)
    await Promise.all(this.#readers)
  }

  #take(uploadId: string): Prefix | undefined {
    const prefix = this.#uploads.get(uploadId)
    this.#uploads.delete(uploadId)
    this.#waiting.delete(uploadId)
    return prefix
  }

  #startReader(): void {
    if (this.#readers.size >= READERS_MAX) return
    for (const uploadId of this.#waiting) {
      this.#waiting.delete(uploadId)
      const prefix = this.#uploads.get(uploadId)
      // Who reads it now looks again before it ends.
      if (prefix === undefined || prefix.reading !== undefined) continue
      const reading = this.#readOn(uploadId, prefix).finally(() => {
        prefix.reading = undefined
        this.#readers.delete(reading)
        this.#startReader()
      })
      prefix.reading = reading
      this.#readers.add(reading)
      return
    }
  }

  async #readOn(uploadId: string, prefix: Prefix): Promise<void> {
    try {
      while (prefix.isBehind && !prefix.isStopped) {
        prefix.isBehind = false
        const part = await this.#catalog.view.uploads.part(uploadId, prefix.parts + 1)
        if (part === undefined || prefix.isStopped) continue
        await this.#read(prefix, part)
        prefix.isBehind = true
      }
    } catch {
      // The part may be gone, or damaged: a completion reads all again, and tells.
      prefix.cancel()
      if (this.#uploads.get(uploadId) === prefix) this.#take(uploadId)
    }
  }

  async #read(prefix: Prefix, { sha256, size }: Part, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted()
    if (size > 0) {
      const place = await this.#catalog.view.blobs.place(sha256)
      if (place === undefined) throw new HoldfastError('BLOB_MISSING', { sha256 })
      const store = { catalog: this.#catalog, element: this.#element }
      const { bytes, chunks } = await readBlob(store, place, { onLoan: true })
      for await (const chunk of chunks ?? [bytes]) {
        // Others wait for their turn.
        signal?.throwIfAborted()
        prefix.update(chunk)
      }
    }
    prefix.end(sha256)
  }
}

/** The first parts of an upload that are read. */
class Prefix {
  readonly #hash = createHash('sha256')
  /** Which parts they were: of ten thousand, a list would weigh too much. */
  readonly #order: Hash = createHash('sha256')
  #isUseless = false
  parts = 0
  /** A part came since it was last asked for the next one. */
  isBehind = false
  isStopped = false
  reading: Promise<void> | undefined

  update(bytes: Uint8Array): void {
    if (this.#isUseless) throw new Error('nobody wants this digest any more')
    this.#hash.update(bytes)
  }

  end(sha256: string): void {
    this.#order.update(sha256)
    this.parts += 1
  }

  /** Ends the reading after the part that is under way. */
  stop(): void {
    this.isStopped = true
  }

  /** Ends the reading at once. */
  cancel(): void {
    this.isStopped = true
    this.#isUseless = true
  }

  isStartOf(parts: readonly Part[]): boolean {
    if (this.#isUseless || this.parts > parts.length) return false
    const order = createHash('sha256')
    for (const { sha256 } of parts.slice(0, this.parts)) order.update(sha256)
    return order.digest('hex') === this.#order.copy().digest('hex')
  }

  digest(): string {
    return this.#hash.digest('hex')
  }
}
