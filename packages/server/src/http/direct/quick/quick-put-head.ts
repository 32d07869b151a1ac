import { QuickFields, type ReadHeaders } from './quick-fields.ts'
import { HEAD_BYTES_MAX, HEAD_END, LINE_END, type PlainQueries, readTarget } from './quick-head.ts'

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
  readonly #queries: PlainQueries
  readonly #fields: QuickFields<Headers>

  constructor(headersOf: ReadHeaders<Headers>, queries: PlainQueries) {
    this.#fields = new QuickFields(headersOf)
    this.#queries = queries
  }

  /** The head must be whole; what follows it is the body. */
  read(chunk: Buffer): QuickPutHead<Headers> | undefined {
    const end = chunk.subarray(0, HEAD_BYTES_MAX).indexOf(HEAD_END, 0, 'latin1')
    if (end < 0) return undefined
    // Not a byte of the body: it is kept until the put is durable.
    const text = chunk.toString('latin1', 0, end + HEAD_END.length)
    const lineEnd = text.indexOf(LINE_END)
    const url = readTarget(text.slice(0, lineEnd), METHOD, this.#queries)
    if (url === undefined) return undefined
    const fields = this.#fields.read(text.slice(lineEnd + LINE_END.length, -LINE_END.length))
    return fields && { ...fields, url, text }
  }
}

/** Whether it begins like a PUT. */
export function isPut(chunk: Buffer): boolean {
  return chunk[0] === START[0] && chunk.subarray(0, START.length).equals(START)
}
