import {
  FieldLines,
  HEAD_BYTES_MAX,
  HEAD_END,
  type PlainQueries,
  type ReadHeaders,
  readTarget,
} from './quick-head.ts'

/** What every door reads: one Content-Length of digits alone. */
export interface Announced {
  readonly length: number
}

/** A request that is nothing but a plain PUT with an announced length. */
export interface QuickPutHead<Headers extends Announced> {
  readonly url: string
  readonly headers: Headers
  readonly traceparent: string | undefined
  /** As it came, one character for each byte. */
  readonly text: string
}

const METHOD = 'PUT'
const START = Buffer.from('PUT /')

/**
 * Reads heads of PUTs as `QuickHeads` does those of GETs: what leaves room for two opinions, about
 * where the body ends above all, is undefined here. One Content-Length of digits alone, no coding,
 * no header that is not known (RFC 9112 §6).
 */
export class QuickPutHeads<Headers extends Announced> {
  readonly #headersOf: ReadHeaders<Headers>
  readonly #queries: PlainQueries
  readonly #lines = new FieldLines()
  #fields = ''
  #headers: Headers | undefined
  #traceparent: string | undefined

  constructor(headersOf: ReadHeaders<Headers>, queries: PlainQueries) {
    this.#headersOf = headersOf
    this.#queries = queries
  }

  /** The head must be whole; what follows it is the body. */
  read(chunk: Buffer): QuickPutHead<Headers> | undefined {
    const start = chunk.toString('latin1', 0, HEAD_BYTES_MAX)
    const end = start.indexOf(HEAD_END)
    if (end < 0) return undefined
    const lineEnd = start.indexOf('\r\n')
    const url = readTarget(start.slice(0, lineEnd), METHOD, this.#queries)
    if (url === undefined) return undefined
    const fields = start.slice(lineEnd + 2, end + 2)
    if (fields !== this.#fields) this.#readFields(fields)
    const headers = this.#headers
    if (headers === undefined) return undefined
    const text = start.slice(0, end + HEAD_END.length)
    return { url, headers, traceparent: this.#traceparent, text }
  }

  #readFields(fields: string): void {
    const read = this.#lines.read(fields)
    this.#fields = fields
    this.#headers = read && this.#headersOf(read.raw)
    this.#traceparent = read?.traceparent
  }
}

/** Whether it begins like a PUT. */
export function isPut(chunk: Buffer): boolean {
  return chunk[0] === START[0] && chunk.subarray(0, START.length).equals(START)
}
