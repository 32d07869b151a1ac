import type { Sha256 } from '../body/sha256.ts'
import { iterate } from '../body/upload-body.ts'
import { ClientError, isClientError } from '../client-error.ts'
import { unexpected } from '../wire/answer.ts'
import { networkFailure } from '../wire/network-failure.ts'
import type { Answer, Transport, WireRequest } from '../wire/transport.ts'
import { type ContentFacts, readFacts } from './content-facts.ts'

/**
 * The invariant: what comes out is one unbroken run of bytes of one content, or the iteration
 * throws. A broken connection is taken up at the byte where it broke, under If-Match.
 */
export interface Resumption {
  readonly transport: Transport
  readonly request: WireRequest
  readonly facts: ContentFacts
  /** Checks the whole content at its end; absent for a part of it. */
  readonly hash: Sha256 | undefined
}

/** Broken connections in a row that brought no byte, before the download fails. */
const BARREN_MAX = 4

export async function* resuming(first: Answer, of: Resumption): AsyncGenerator<Uint8Array> {
  let answer = first
  let gotBytes = 0
  let barren = 0
  try {
    for (;;) {
      const next = await step(answer, of, gotBytes)
      if (next.kind === 'end') return
      if (next.kind === 'broken') {
        barren += 1
        if (barren > BARREN_MAX) throw next.failure
        answer.silence.abort()
        await of.transport.pause(barren, next.failure, of.request.options.signal)
        answer = await of.transport.run(continued(of, gotBytes), resumed(of, gotBytes))
        continue
      }
      barren = 0
      gotBytes += next.chunk.length
      yield next.chunk
    }
  } finally {
    // Also when the reader loses interest: otherwise the rest would wait in the connection.
    answer.silence.abort()
  }
}

type Step =
  | { readonly kind: 'chunk'; readonly chunk: Uint8Array }
  | { readonly kind: 'end' }
  | { readonly kind: 'broken'; readonly failure: ClientError }

const readers = new WeakMap<Response, AsyncIterator<Uint8Array>>()

async function step(answer: Answer, of: Resumption, gotBytes: number): Promise<Step> {
  const { response, silence } = answer
  const { facts, hash } = of
  try {
    silence.touch()
    const { done, value } = await readerOf(response).next()
    silence.pause()
    if (done !== true) {
      if (facts.size !== undefined && gotBytes + value.length > facts.size)
        throw damaged('too long')
      hash?.update(value)
      return { kind: 'chunk', chunk: value }
    }
  } catch (error) {
    return { kind: 'broken', failure: resumable(error, answer, of) }
  }
  if (facts.size !== undefined && gotBytes < facts.size) {
    const failure = networkFailure(new Error('the body ended early'), true)
    return { kind: 'broken', failure: resumable(failure, answer, of) }
  }
  if (hash !== undefined && hash.hex() !== facts.sha256) throw damaged('of another SHA-256')
  return { kind: 'end' }
}

function readerOf(response: Response): AsyncIterator<Uint8Array> {
  const known = readers.get(response)
  if (known !== undefined) return known
  const reader = iterate(response.body ?? new ReadableStream({ start: it => it.close() }))
  readers.set(response, reader)
  return reader
}

/** The failure to go on after; throws those after which there is no going on. */
function resumable(error: unknown, { silence, response }: Answer, of: Resumption): ClientError {
  const outer = of.request.options.signal
  if (outer?.aborted) throw outer.reason
  const reason: unknown = silence.signal.reason
  const cause = isClientError(reason) ? reason : error
  const failure = isClientError(cause) ? cause : networkFailure(cause, true)
  // Share links with a limit send no parts: to ask for one would use up the link.
  const hasRanges = response.headers.get('accept-ranges') !== 'none'
  const canResume = hasRanges && of.facts.etag !== undefined && of.facts.size !== undefined
  if (!canResume || (failure.code !== 'NETWORK' && failure.code !== 'TIMEOUT')) throw failure
  return failure
}

function continued({ request, facts }: Resumption, gotBytes: number): WireRequest {
  const first = facts.offset + gotBytes
  const last = facts.offset + (facts.size ?? 0) - 1
  const headers: Record<string, string> = { ...request.headers, range: `bytes=${first}-${last}` }
  delete headers['if-none-match']
  return { ...request, headers: { ...headers, 'if-match': facts.etag ?? '' }, alsoStatuses: [412] }
}

function resumed({ facts }: Resumption, gotBytes: number) {
  return async (answer: Answer): Promise<Answer> => {
    const { response } = answer
    const now = readFacts(response)
    if (response.status === 412 || (response.status === 206 && now.etag !== facts.etag)) {
      const message = 'The content changed while it was being downloaded.'
      throw new ClientError(message, { code: 'CONTENT_CHANGED', status: response.status })
    }
    const fits = response.status === 206 && now.offset === facts.offset + gotBytes
    if (!fits) throw unexpected(response, 'The server did not take up the broken download.')
    return answer
  }
}

function damaged(how: string): ClientError {
  const message = `The bytes received are ${how}: they were damaged on the way or in the store.`
  return new ClientError(message, { code: 'CONTENT_DAMAGED' })
}
