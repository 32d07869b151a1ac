import { type ObservedStream, observeStream } from '../body/observed-stream.ts'
import { type Sha256, StreamingSha256 } from '../body/sha256.ts'
import type { PreparedBody } from '../body/upload-body.ts'
import { type ClientError, isClientError, summarised } from '../client-error.ts'
import type { CallOptions, ClientOptions } from '../options.ts'
import { wait } from '../timer.ts'
import { parseServerUrl } from './address.ts'
import { refusalOf } from './answer.ts'
import { networkFailure } from './network-failure.ts'
import { cryptoRandom, defaultRetryPolicy, isWorthRepeating, waitBefore } from './retry.ts'
import { type Silence, watchSilence } from './silence.ts'

export interface WireRequest {
  readonly method: string
  /** Path and query. */
  readonly address: string
  /** `address` is a whole one that carries its own permission: no key goes there. */
  readonly isLink?: boolean
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: PreparedBody | { readonly kind: 'form'; readonly form: FormData }
  /** Doing it twice is the same as doing it once. */
  readonly idempotent: boolean
  /** It changes nothing. */
  readonly safe: boolean
  /** Refusals that the reader wants to see. */
  readonly alsoStatuses?: readonly number[]
  /** Called at every attempt; the result sees every chunk of a streamed body. */
  readonly watch?: () => (chunk: Uint8Array) => void
  readonly options: CallOptions
}

export interface Answer {
  readonly response: Response
  readonly silence: Silence
}

/** Slowest way to send that still counts as moving, where progress cannot be seen. */
const BYTES_PER_MS_MIN = 16

/** Sends requests, as often as it is right to. */
export class Transport {
  readonly url: string
  readonly sha256: () => Sha256
  readonly onConfirm: ClientOptions['onConfirm']
  readonly #options: ClientOptions

  constructor(options: ClientOptions) {
    this.url = parseServerUrl(options.url)
    this.sha256 = options.sha256 ?? (() => new StreamingSha256())
    this.onConfirm = options.onConfirm
    this.#options = options
  }

  /** `read` belongs to the attempt: when it fails by the network, the request is sent again. */
  async run<T>(request: WireRequest, read: (answer: Answer) => Promise<T>): Promise<T> {
    const policy = { ...defaultRetryPolicy, ...this.#options.retry }
    const random = this.#options.random ?? cryptoRandom
    const sent = { wasTaken: false }
    let mayHaveApplied = false
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#attempt(request, read, sent)
      } catch (error) {
        if (!isClientError(error)) throw error
        mayHaveApplied ||= error.mayHaveApplied
        const waitMs =
          attempt < policy.attemptsMax && isWorthRepeating(error, repeatability(request, sent))
            ? waitBefore(attempt, error, { policy, random })
            : undefined
        if (waitMs === undefined) throw summarised(error, { attempts: attempt, mayHaveApplied })
        this.#options.onRetry?.({ error, attempt, waitMs })
        await (this.#options.wait ?? wait)(waitMs, request.options.signal)
      }
    }
  }

  /** The wait before a further attempt of something that is not one request. */
  async pause(attempt: number, failure: ClientError, signal?: AbortSignal): Promise<void> {
    const policy = { ...defaultRetryPolicy, ...this.#options.retry }
    const random = this.#options.random ?? cryptoRandom
    const waitMs = waitBefore(attempt, failure, { policy, random }) ?? policy.retryAfterMsMax
    this.#options.onRetry?.({ error: failure, attempt, waitMs })
    await (this.#options.wait ?? wait)(waitMs, signal)
  }

  async #attempt<T>(
    request: WireRequest,
    read: (answer: Answer) => Promise<T>,
    sent: { wasTaken: boolean },
  ): Promise<T> {
    const headers = this.#headers(request)
    const outer = request.options.signal
    const timeoutMs = request.options.timeoutMs ?? this.#options.timeoutMs ?? 60_000
    const silence = watchSilence(timeoutMs, outer)
    const { init, source } = bodyOf(request, silence)
    const send = this.#options.fetch ?? globalThis.fetch
    try {
      const response = await send(
        request.isLink ? request.address : `${this.url}${request.address}`,
        {
          ...init,
          method: request.method,
          headers,
          signal: silence.signal,
          credentials: 'omit',
          // A redirect would carry the key to another server.
          redirect: 'manual',
        },
      )
      silence.touch()
      const isWelcome = response.ok || request.alsoStatuses?.includes(response.status) === true
      if (!isWelcome) throw await refusalOf(response, request.safe)
      return await read({ response, silence })
    } catch (error) {
      sent.wasTaken ||= source?.wasTaken() === true
      silence.abort(error)
      throw failureOf(error, { request, silence, source })
    } finally {
      source?.stop()
    }
  }

  #headers(request: WireRequest): Headers {
    if (request.isLink) return new Headers(request.headers)
    const headers = new Headers(this.#options.headers)
    const { key } = this.#options
    if (key !== undefined) headers.set('x-api-key', key)
    for (const [name, value] of Object.entries(request.headers ?? {})) headers.set(name, value)
    return headers
  }
}

function repeatability(request: WireRequest, sent: { wasTaken: boolean }) {
  const { body, idempotent } = request
  const isOneShot = body?.kind === 'stream' && !body.replayable
  return { idempotent, replayable: !isOneShot || !sent.wasTaken }
}

interface SentBody {
  readonly init: RequestInit & { readonly duplex?: 'half' }
  readonly source?: ObservedStream
}

function bodyOf(request: WireRequest, silence: Silence): SentBody {
  const { body } = request
  if (body === undefined) return { init: {} }
  if (body.kind === 'form') return { init: { body: body.form } }
  if (body.kind === 'whole') {
    silence.touch(body.size / BYTES_PER_MS_MIN)
    return { init: { body: body.bytes } }
  }
  const onChunk = request.watch?.()
  const source = observeStream(body, {
    onAsk: () => silence.pause(),
    onChunk: chunk => {
      silence.touch()
      onChunk?.(chunk)
    },
  })
  return { init: { body: source.stream, duplex: 'half' }, source }
}

function failureOf(
  error: unknown,
  of: { request: WireRequest; silence: Silence; source: ObservedStream | undefined },
): unknown {
  const { request, silence, source } = of
  const outer = request.options.signal
  if (outer?.aborted) return outer.reason
  const fault = source?.fault()
  if (fault !== undefined) return fault.error
  const reason: unknown = silence.signal.reason
  const failure = isClientError(reason) ? reason : error
  if (!isClientError(failure)) return networkFailure(failure, request.safe)
  return request.safe ? harmless(failure) : failure
}

function harmless(failure: ClientError): ClientError {
  return summarised(failure, { attempts: failure.attempts, mayHaveApplied: false })
}
