import type { IncomingMessage, ServerResponse } from 'node:http'
import { HoldfastError } from '@holdfast/core/errors.ts'
import type { Clock } from '@holdfast/core/ports/clock.ts'
import type { ByteSource } from '@holdfast/core/ports/element.ts'

/** Slower than this over the idle time, a body is given up (docs: slow clients). */
const RATE_BYTES_PER_SECOND_MIN = 1024

export interface BodyOptions {
  readonly clock: Clock
  readonly idleSeconds: number
}

/**
 * The body of one request, read once and only when somebody asks for it. So everything that can be
 * refused before is refused before, and `Expect: 100-continue` is granted by the first read.
 */
export class RequestBody {
  /** Announced bytes; undefined for a chunked body. */
  readonly length: number | undefined
  readonly #request: IncomingMessage
  readonly #response: ServerResponse
  readonly #options: BodyOptions
  #started = false
  #received = 0
  #waiting: { resolve: () => void; reject: (error: HoldfastError) => void } | undefined
  #failure: HoldfastError | undefined
  #watch: AbortController | undefined

  constructor(request: IncomingMessage, response: ServerResponse, options: BodyOptions) {
    this.#request = request
    this.#response = response
    this.#options = options
    const announced = request.headers['content-length']
    const chunked = request.headers['transfer-encoding'] !== undefined
    this.length = chunked ? undefined : Number(announced ?? 0)
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
  async *source(bytesMax = Number.MAX_SAFE_INTEGER): ByteSource & AsyncGenerator<Uint8Array> {
    if (this.#started) throw new HoldfastError('INTERNAL', {}, { cause: 'a body is read once' })
    this.#started = true
    if (this.length === 0) return
    if (this.length !== undefined && this.length > bytesMax) throw this.#tooLarge(bytesMax)
    const request = this.#request
    if (expectsContinue(request)) this.#response.writeContinue()
    const wake = () => this.#waiting?.resolve()
    const broken = () => this.#fail('BODY_INCOMPLETE')
    request.on('readable', wake).on('end', wake).on('error', broken).on('close', broken)
    try {
      for (;;) {
        const chunk: Buffer | null = request.read()
        if (chunk !== null) {
          this.#received += chunk.length
          if (this.#received > bytesMax) throw this.#tooLarge(bytesMax)
          yield chunk
        } else if (request.readableEnded) {
          break
        } else {
          await this.#more()
        }
      }
      if (!request.complete) throw new HoldfastError('BODY_INCOMPLETE')
    } finally {
      this.#watch?.abort()
      request.off('readable', wake).off('end', wake).off('error', broken).off('close', broken)
      // An error that comes later has nobody to tell; without a listener it would end the process.
      request.on('error', () => {})
    }
  }

  async #more(): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure
    if (this.#request.destroyed && !this.#request.complete) {
      throw new HoldfastError('BODY_INCOMPLETE')
    }
    // Small bodies are there at once; the clock runs only for those that are waited for.
    if (this.#watch === undefined) {
      this.#watch = new AbortController()
      this.#watchPace(this.#watch.signal)
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

  /** Gives up a client that lets us wait; time that we ourselves take is not counted. */
  #watchPace(stop: AbortSignal): void {
    const { clock, idleSeconds } = this.#options
    const round = async (): Promise<void> => {
      while (!stop.aborted) {
        const before = this.#received
        await clock.sleep(idleSeconds * 1000, stop)
        const slow = this.#received - before < idleSeconds * RATE_BYTES_PER_SECOND_MIN
        if (slow && this.#waiting !== undefined) this.#fail('REQUEST_TIMEOUT')
      }
    }
    // The sleep rejects when the body is over.
    round().catch(() => {})
  }

  #tooLarge(limit: number): HoldfastError {
    return new HoldfastError('BODY_TOO_LARGE', { limit })
  }
}

export function expectsContinue(request: IncomingMessage): boolean {
  return /(^|,)\s*100-continue\s*(,|$)/i.test(request.headers.expect ?? '')
}
