import { HoldfastError } from '@holdfast/core/errors.ts'
import type { ByteSource } from '@holdfast/core/ports/element.ts'
import { parsePartHeaders } from './part-headers.ts'
import { SpentMemory } from './spent-memory.ts'

/**
 * multipart/form-data (RFC 7578), pulled part by part from a source. Nothing is read that was not
 * asked for and no events run beside the caller, so limits, aborts and errors have one place.
 */
export interface FormPart {
  readonly name: string
  readonly filename: string | undefined
  readonly contentType: string | undefined
  /** Of its boundary and headers, and of whatever stands before the first boundary. */
  readonly headBytes: number
  /** To be read before the next part is asked for; what is left of it is skipped then. */
  readonly body: ByteSource
}

export interface FormLimits {
  readonly partsMax: number
}

const HEADER_BYTES_MAX = 16 * 1024
/** What mail programs say before the first boundary; forms have nothing there. */
const PREAMBLE_BYTES_MAX = 4096
const NOTHING: Buffer = Buffer.alloc(0)
const CRLF = Buffer.from('\r\n')
const BLANK_LINE = Buffer.from('\r\n\r\n')

export function boundaryOf(contentType: string | undefined): string | undefined {
  const match = /^multipart\/form-data\s*;(.*)$/is.exec(contentType ?? '')
  const found = /(?:^|;)\s*boundary=(?:"([^"]{1,200})"|([^\s;"]{1,200}))/i.exec(match?.[1] ?? '')
  const boundary = found?.[1] ?? found?.[2]
  return boundary !== undefined && /^[\x20-\x7e]{0,69}[\x21-\x7e]$/.test(boundary)
    ? boundary
    : undefined
}

export async function* formParts(
  source: ByteSource,
  boundary: string,
  limits: FormLimits,
): AsyncGenerator<FormPart, void, undefined> {
  const reader = new Reader(source, boundary)
  try {
    await reader.skipPreamble()
    for (let count = 1; await reader.anotherPart(); count += 1) {
      if (count > limits.partsMax) {
        throw new HoldfastError('TOO_MANY_ITEMS', { limit: limits.partsMax })
      }
      const headers = parsePartHeaders(await reader.partHeaders())
      yield { ...headers, headBytes: reader.headBytes(), body: reader.body() }
      await reader.skipToDelimiter()
    }
    await reader.skipAll()
  } finally {
    await reader.close()
  }
}

class Reader {
  readonly #chunks: AsyncIterator<Uint8Array>
  readonly #spent: SpentMemory
  readonly #delimiter: Buffer
  /** Bytes received and not yet given out. Starts so that a delimiter at the very start counts. */
  #buffer: Buffer = CRLF
  #ended = false
  /** The delimiter that ends the present part lies at the start of the buffer. */
  #atDelimiter = false
  #headBytes = 0

  constructor(source: ByteSource, boundary: string) {
    this.#chunks = source[Symbol.asyncIterator]()
    this.#spent = new SpentMemory(source)
    this.#delimiter = Buffer.from(`\r\n--${boundary}`)
  }

  /** Whoever copies its pieces says so by `done`, as of those of the source. */
  body(): ByteSource {
    return Object.assign(this.#body(), { done: (piece: Uint8Array) => this.#spent.done(piece) })
  }

  async *#body(): AsyncGenerator<Uint8Array, void, undefined> {
    while (!this.#atDelimiter) {
      const chunk = await this.#untilDelimiter()
      if (chunk.length > 0) yield chunk
    }
  }

  async skipPreamble(): Promise<void> {
    while (!this.#atDelimiter) {
      this.#headBytes += (await this.#untilDelimiter()).length
      if (this.#headBytes > PREAMBLE_BYTES_MAX) throw malformed('begins with no boundary')
    }
  }

  async skipToDelimiter(): Promise<void> {
    while (!this.#atDelimiter) await this.#untilDelimiter()
  }

  /** Passes the delimiter; false when it was the closing one. */
  async anotherPart(): Promise<boolean> {
    this.#takeHead(this.#delimiter.length)
    this.#atDelimiter = false
    await this.#atLeast(2)
    if (this.#buffer[0] === 0x2d && this.#buffer[1] === 0x2d) return false
    const end = await this.#find(CRLF, 128)
    const padding = this.#takeHead(end + 2).subarray(0, end)
    // RFC 2046 allows spaces and tabs after a boundary, nothing else.
    if (padding.some(byte => byte !== 0x20 && byte !== 0x09)) throw malformed('bad boundary line')
    return true
  }

  async partHeaders(): Promise<Buffer> {
    const end = await this.#find(BLANK_LINE, HEADER_BYTES_MAX)
    return this.#takeHead(end + BLANK_LINE.length).subarray(0, end)
  }

  /** Of the part whose headers were read. */
  headBytes(): number {
    const bytes = this.#headBytes
    this.#headBytes = 0
    return bytes
  }

  /** Reads the epilogue, so that the connection can be used again. */
  async skipAll(): Promise<void> {
    this.#buffer = Buffer.alloc(0)
    while (!this.#ended) await this.#more()
  }

  async close(): Promise<void> {
    if (!this.#ended) await this.#chunks.return?.()
  }

  /** The next bytes that surely belong to the part; none when its delimiter comes first. */
  async #untilDelimiter(): Promise<Buffer> {
    const found = this.#buffer.indexOf(this.#delimiter)
    if (found >= 0) {
      this.#atDelimiter = true
      return this.#give(found)
    }
    const sure = this.#buffer.length - this.#delimiter.length + 1
    return sure > 0 ? this.#give(sure) : await this.#acrossSeam()
  }

  /**
   * What is left may begin a delimiter that the next chunk ends: only then are the two put
   * together, which costs as much again as receiving them.
   */
  async #acrossSeam(): Promise<Buffer> {
    const left = Buffer.from(this.#buffer)
    const chunk = await this.#next()
    if (chunk === undefined) throw malformed('ended before its closing boundary')
    const reach = this.#delimiter.length - 1
    const seam = Buffer.concat([left, chunk.subarray(0, reach)])
    if (chunk.length < reach || seam.includes(this.#delimiter)) {
      this.#keep(chunk, left)
      return NOTHING
    }
    this.#keep(chunk, NOTHING)
    return left
  }

  async #find(what: Buffer, bytesMax: number): Promise<number> {
    for (;;) {
      const found = this.#buffer.indexOf(what)
      if (found >= 0 && found <= bytesMax) return found
      if (found >= 0 || this.#buffer.length > bytesMax + what.length) {
        throw malformed('a part has too long headers')
      }
      await this.#atLeast(this.#buffer.length + 1)
    }
  }

  async #atLeast(bytes: number): Promise<void> {
    while (this.#buffer.length < bytes) {
      await this.#more()
      if (this.#ended) throw malformed('ended before its closing boundary')
    }
  }

  #take(bytes: number): Buffer {
    const taken = this.#buffer.subarray(0, bytes)
    this.#buffer = this.#buffer.subarray(bytes)
    return taken
  }

  #takeHead(bytes: number): Buffer {
    this.#headBytes += bytes
    return this.#take(bytes)
  }

  /** For a body: its memory is used until the piece is `done`. */
  #give(bytes: number): Buffer {
    if (bytes > 0) this.#spent.given()
    return this.#take(bytes)
  }

  async #more(): Promise<void> {
    const left = Buffer.from(this.#buffer)
    const chunk = await this.#next()
    if (chunk !== undefined) this.#keep(chunk, left)
  }

  #keep(chunk: Buffer, left: Buffer): void {
    this.#buffer = left.length === 0 ? chunk : Buffer.concat([left, chunk])
    // Last: memory that was copied is gone at once.
    this.#spent.take(chunk, left.length > 0)
  }

  /** Nothing of the chunk before it is looked at any more. */
  async #next(): Promise<Buffer | undefined> {
    this.#spent.leave()
    const next = await this.#chunks.next()
    if (next.done !== true) {
      return Buffer.from(next.value.buffer, next.value.byteOffset, next.value.byteLength)
    }
    this.#ended = true
    return undefined
  }
}

function malformed(reason: string): HoldfastError {
  return new HoldfastError('MALFORMED_REQUEST', { reason: `The form ${reason}.` })
}
