import { createHash, type Hash } from 'node:crypto'
import type { ByteSource } from '@holdfast/core/ports/element.ts'
import { SpentMemory } from '../../../http/body/spent-memory.ts'
import { S3Error } from '../errors.ts'
import { checksumOfHeader } from '../wire/checksums.ts'
import { EMPTY_SHA256, type Scope, sameSignature, scopeText } from './signing.ts'
import type { SigningKey } from './signing-key.ts'

/** What the signatures of chunks continue from. */
export interface ChunkSigning {
  readonly key: SigningKey
  readonly time: string
  readonly scope: Scope
  /** Signature of the headers. */
  readonly seed: string
}

export interface ChunkFraming {
  readonly signing: ChunkSigning | null
  /** Names announced by `x-amz-trailer`; null where trailers may not come at all. */
  readonly trailers: readonly string[] | null
  readonly length: number
}

const NOTHING: Buffer = Buffer.alloc(0)
const LINE_BYTES_MAX = 4096
const TRAILERS_MAX = 16
const CHUNK_BYTES_MAX = 5 * 1024 ** 3
/**
 * AWS takes none below 8 KiB but the last. A body in millions of chunks of one byte costs seconds
 * of work for megabytes, so more than a few must be of some size on average.
 */
const CHUNKS_FREE = 1024
const CHUNK_BYTES_MEAN_MIN = 1024

/**
 * `aws-chunked` bodies
 * (https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html and
 * .../sigv4-streaming-trailers.html). Bytes are handed out before the signature of their chunk has
 * come, so whoever takes them must show nothing until the source has ended well.
 */
export class ChunkedBody {
  /** Complete once the source has ended. */
  readonly trailers = new Map<string, string>()
  readonly #framing: ChunkFraming
  readonly #source: AsyncIterator<Uint8Array>
  readonly #spent: SpentMemory
  #buffer = NOTHING
  #previous: string

  constructor(source: ByteSource, framing: ChunkFraming) {
    this.#source = source[Symbol.asyncIterator]()
    this.#spent = new SpentMemory(source)
    this.#framing = framing
    this.#previous = framing.signing?.seed ?? ''
  }

  /** The bytes alone. Whoever copies them says so by `done`, as of those of the source. */
  bytes(): ByteSource & AsyncGenerator<Uint8Array> {
    return Object.assign(this.#bytes(), { done: (piece: Uint8Array) => this.#spent.done(piece) })
  }

  async *#bytes(): AsyncGenerator<Uint8Array> {
    try {
      let total = 0
      for (let count = 1; ; count += 1) {
        const { size, signature } = this.#chunkHead(await this.#line())
        total += size
        if (total > this.#framing.length) throw incomplete()
        if (size === 0) {
          this.#checkChunk(signature, EMPTY_SHA256)
          break
        }
        if (count > CHUNKS_FREE && total < count * CHUNK_BYTES_MEAN_MIN) throw tooSmall()
        const hash = this.#framing.signing === null ? undefined : createHash('sha256')
        yield* this.#data(size, hash)
        this.#checkChunk(signature, hash?.digest('hex') ?? '')
        if ((await this.#line()) !== '') throw incomplete()
      }
      await this.#readTrailers()
      if (total !== this.#framing.length) throw incomplete()
      if (this.#buffer.length > 0 || (await this.#more())) throw incomplete()
    } finally {
      await this.#source.return?.()
    }
  }

  async *#data(size: number, hash: Hash | undefined): AsyncGenerator<Uint8Array> {
    let left = size
    while (left > 0) {
      if (this.#buffer.length === 0 && !(await this.#more())) throw incomplete()
      const piece = this.#buffer.subarray(0, left)
      this.#buffer = this.#buffer.subarray(piece.length)
      left -= piece.length
      hash?.update(piece)
      this.#spent.given()
      yield piece
    }
  }

  #chunkHead(line: string): { size: number; signature: string | undefined } {
    const [, hex = '', signature] =
      /^([0-9a-fA-F]{1,10})(?:;chunk-signature=([0-9a-f]{64}))?$/.exec(line) ?? []
    const size = Number.parseInt(hex, 16)
    if (hex === '' || size > CHUNK_BYTES_MAX) throw incomplete()
    const signed = this.#framing.signing !== null
    if (signed !== (signature !== undefined)) throw new S3Error('SignatureDoesNotMatch')
    return { size, signature }
  }

  #checkChunk(given: string | undefined, sha256: string): void {
    const { signing } = this.#framing
    if (signing === null) return
    const text = [
      'AWS4-HMAC-SHA256-PAYLOAD',
      signing.time,
      scopeText(signing.scope),
      this.#previous,
      EMPTY_SHA256,
      sha256,
    ].join('\n')
    this.#requireSignature(given, signing.key.sign(text))
  }

  #requireSignature(given: string | undefined, expected: string): void {
    if (given === undefined || !sameSignature(given, expected)) {
      throw new S3Error('SignatureDoesNotMatch')
    }
    this.#previous = expected
  }

  async #readTrailers(): Promise<void> {
    const announced = this.#framing.trailers
    let signature: string | undefined
    // minio-go ends a trailer with the line feed that is signed with it, and then its line.
    let open = false
    for (;;) {
      // Some clients leave out the very last empty line.
      const told = await this.#told({ last: true })
      const line = withoutReturn(told)
      const closes = open && told === '\r'
      open = line === told
      if (closes) continue
      if (line === '') break
      // By hand: a pattern with white space around a value takes the cube of its length to fail.
      const colon = line.indexOf(':')
      const name = line.slice(0, Math.max(colon, 0)).trimEnd().toLowerCase()
      const value = line.slice(colon + 1).trim()
      if (name === 'x-amz-trailer-signature') {
        // Once only: such lines are told from no object, however many of them came.
        if (signature !== undefined || announced === null) throw badTrailer()
        signature = value
        continue
      }
      const expected = announced?.includes(name) === true && !this.trailers.has(name)
      if (!expected || this.trailers.size >= TRAILERS_MAX) throw badTrailer()
      this.trailers.set(name, value)
    }
    if (announced === null) return
    if (announced.some(name => !this.trailers.has(name))) throw badTrailer()
    this.#checkTrailers(signature)
  }

  #checkTrailers(given: string | undefined): void {
    const { signing } = this.#framing
    if (signing === null) return
    const lines = [...this.trailers].sort(([one], [other]) => (one < other ? -1 : 1))
    const canonical = lines.map(([name, value]) => `${name}:${value}\n`).join('')
    const digest = createHash('sha256').update(canonical).digest('hex')
    const text = [
      'AWS4-HMAC-SHA256-TRAILER',
      signing.time,
      scopeText(signing.scope),
      this.#previous,
      digest,
    ].join('\n')
    this.#requireSignature(given, signing.key.sign(text))
  }

  /**
   * Up to the next line break, without it. A line feed alone is none here: a proxy that reads the
   * chunks might take it for a part of the line.
   */
  async #line(): Promise<string> {
    const told = await this.#told()
    if (!told.endsWith('\r')) throw incomplete()
    return told.slice(0, -1)
  }

  /** Up to the next line feed, without it, but with the carriage return that came before. */
  async #told(options: { last?: boolean } = {}): Promise<string> {
    for (;;) {
      const end = this.#buffer.indexOf(0x0a)
      // However it was cut: a line that came in one piece is no longer one, either.
      if (end > LINE_BYTES_MAX) throw incomplete()
      if (end >= 0) {
        const line = this.#buffer.toString('latin1', 0, end)
        this.#buffer = this.#buffer.subarray(end + 1)
        return line
      }
      if (this.#buffer.length > LINE_BYTES_MAX) throw incomplete()
      if (!(await this.#more())) {
        if (options.last === true && this.#buffer.length === 0) return ''
        throw incomplete()
      }
    }
  }

  async #more(): Promise<boolean> {
    const rest = this.#buffer.length === 0 ? undefined : Buffer.from(this.#buffer)
    this.#buffer = rest ?? NOTHING
    this.#spent.leave()
    const next = await this.#source.next()
    if (next.done === true) return false
    const { value } = next
    const chunk = Buffer.from(value.buffer, value.byteOffset, value.length)
    this.#buffer = rest === undefined ? chunk : Buffer.concat([rest, chunk])
    this.#spent.take(value, rest !== undefined)
    return true
  }
}

/** Names of `x-amz-trailer`: checksums and nothing else. */
export function announcedTrailers(header: string | undefined): readonly string[] {
  if (header === undefined) return []
  const names = header.split(',').map(name => name.trim().toLowerCase())
  if (names.length > TRAILERS_MAX || names.some(name => checksumOfHeader(name) === undefined)) {
    const message = 'The value specified in the x-amz-trailer header is not supported'
    throw new S3Error('InvalidRequest', { message })
  }
  return names
}

function withoutReturn(line: string): string {
  return line.endsWith('\r') ? line.slice(0, -1) : line
}

function incomplete(): S3Error {
  return new S3Error('IncompleteBody', { message: 'The request body terminated unexpectedly' })
}

function tooSmall(): S3Error {
  return new S3Error('InvalidChunkSizeError')
}

function badTrailer(): S3Error {
  return new S3Error('MalformedTrailerError')
}
