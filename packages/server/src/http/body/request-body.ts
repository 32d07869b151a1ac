import type { IncomingMessage, ServerResponse } from 'node:http'
import { HoldfastError } from '@holdfast/core/errors.ts'
import type { ByteSource } from '@holdfast/core/ports/element.ts'
import type { Paced, PaceWatch } from './pace-watch.ts'

/**
 * The body of one request, read once and only when somebody asks for it. So everything that can be
 * refused before is refused before, and `Expect: 100-continue` is granted by the first read.
 */
export class RequestBody implements Paced {
  /**
   * Waited for when the body is in, or its reader wants no more, before anybody hears so. Whoever
   * knows the sender asks here what it may by then, so no reader of bodies can forget to.
   */
  whenRead: (() => Promise<void> | undefined) | undefined
  readonly #request: IncomingMessage
  readonly #response: ServerResponse
  readonly #pace: PaceWatch
  #started = false
  #received = 0
  #waiting: { resolve: () => void; reject: (error: HoldfastError) => void } | undefined
  #failure: HoldfastError | undefined
  #paced = false

  constructor(request: IncomingMessage, response: ServerResponse, pace: PaceWatch) {
    this.#request = request
    this.#response = response
    this.#pace = pace
  }

  /** Announced bytes; undefined for a chunked body. */
  get length(): number | undefined {
    const { headers } = this.#request
    const chunked = headers['transfer-encoding'] !== undefined
    return chunked ? undefined : Number(headers['content-length'] ?? 0)
  }

  get received(): number {
    return this.#received
  }

  /** Whether the client may still be sending: the connection cannot simply be used again. */
  get unread(): boolean {
    return this.length !== 0 && !this.#request.complete
  }

  get started(): boolean {
    return this.#started
  }

  /** BODY_TOO_LARGE beyond `bytesMax`; BODY_INCOMPLETE or REQUEST_TIMEOUT when it does not come. */
  source(bytesMax = Number.MAX_SAFE_INTEGER): ByteSource & AsyncGenerator<Uint8Array> {
    const chunks = this.#chunks(bytesMax)
    return receivedBefore.has(this.#request) ? chunks : Object.assign(chunks, { done: freeWhole })
  }

  async *#chunks(bytesMax: number): AsyncGenerator<Uint8Array> {
    if (this.#started) throw new HoldfastError('INTERNAL', {}, { cause: 'a body is read once' })
    this.#started = true
    if (this.length === 0) return
    if (this.length !== undefined && this.length > bytesMax) throw this.#tooLarge(bytesMax)
    const request = this.#request
    const before = receivedBefore.get(request)
    if (before !== undefined) {
      yield* this.#again(before)
      return
    }
    if (expectsContinue(request)) this.#response.writeContinue()
    const wake = () => this.#waiting?.resolve()
    const broken = () => this.#fail('BODY_INCOMPLETE')
    request.on('readable', wake).on('end', wake).on('error', broken).on('close', broken)
    let failed = false
    try {
      for (;;) {
        const chunk: Buffer | null = request.read()
        if (chunk !== null) {
          this.#received += chunk.length
          if (this.#received > bytesMax) throw this.#tooLarge(bytesMax)
          yield chunk
        } else if (request.readableEnded || isReadWhole(request)) {
          break
        } else {
          await this.#more()
        }
      }
      if (!request.complete) throw new HoldfastError('BODY_INCOMPLETE')
    } catch (error) {
      failed = true
      throw error
    } finally {
      if (this.#paced) this.#pace.remove(this)
      request.off('readable', wake).off('end', wake).off('error', broken).off('close', broken)
      // An error that comes later has nobody to tell; without a listener it would end the process.
      request.on('error', () => {})
      const asking = failed ? undefined : this.whenRead?.()
      if (asking !== undefined) await asking
    }
  }

  *#again(before: Received): Generator<Uint8Array> {
    if ('error' in before) throw before.error
    for (const chunk of before.chunks) {
      this.#received += chunk.length
      yield chunk
    }
  }

  async #more(): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure
    if (this.#request.destroyed) throw new HoldfastError('BODY_INCOMPLETE')
    // Small bodies are there at once; the clock runs only for those that are waited for.
    if (!this.#paced) {
      this.#paced = true
      this.#pace.add(this)
    }
    await new Promise<void>((resolve, reject) => {
      this.#waiting = { resolve, reject }
    })
    this.#waiting = undefined
  }

  #fail(code: 'BODY_INCOMPLETE' | 'REQUEST_TIMEOUT'): void {
    if (this.#request.complete) {
      this.#waiting?.resolve()
      return
    }
    this.#failure ??= new HoldfastError(code)
    this.#waiting?.reject(this.#failure)
  }

  /** Time that we ourselves take is not counted. */
  tooSlow(): void {
    if (this.#waiting !== undefined) this.#fail('REQUEST_TIMEOUT')
  }

  #tooLarge(limit: number): HoldfastError {
    return new HoldfastError('BODY_TOO_LARGE', { limit })
  }
}

/**
 * A hundred uploads leave chunks behind faster than they are collected: 100 MiB of them. A chunk
 * that shares its memory with nothing, such as the next request, is let go by hand.
 */
function freeWhole({ buffer, byteLength }: Uint8Array): void {
  if (buffer instanceof ArrayBuffer && byteLength === buffer.byteLength) buffer.transfer(0)
}

/** Node tells no end of a body whose client left when it was here and not yet read. */
function isReadWhole({ destroyed, complete, readableLength }: IncomingMessage): boolean {
  return destroyed && complete && readableLength === 0
}

export function expectsContinue(request: IncomingMessage): boolean {
  return /(^|,)\s*100-continue\s*(,|$)/i.test(request.headers.expect ?? '')
}

/** The body of a request as far as an attempt before this one got with it. */
export type Received = { readonly chunks: readonly Uint8Array[] } | { readonly error: unknown }

/** Bodies that were read already: `source` gives them out once more. */
export const receivedBefore = new WeakMap<IncomingMessage, Received>()
