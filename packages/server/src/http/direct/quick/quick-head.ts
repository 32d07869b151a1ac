import { QuickFields, type ReadHeaders } from './quick-fields.ts'

/** A request that is nothing but a plain GET or HEAD. */
export interface QuickHead<Headers> {
  readonly method: 'GET' | 'HEAD'
  /** A path; behind it nothing, or one of the queries that the door takes. */
  readonly url: string
  readonly headers: Headers
  readonly traceparent: string | undefined
}

/** Whole queries, with their question marks, with which a request may be plain. */
export type PlainQueries = Pick<ReadonlySet<string>, 'has'>

/** Heads of programs are shorter; longer ones are Node's to judge. */
export const HEAD_BYTES_MAX = 2048
export const LINE_END = '\r\n'
export const HEAD_END = '\r\n\r\n'
const VERSION = ' HTTP/1.1'

/** A path of characters that mean the same to every reader (RFC 3986 §3.3), escapes included. */
const PATH = /^\/[\w~.!$&'()*+,;=:@%/-]*$/
/**
 * Reads heads that every parser of RFC 9112 reads alike; whatever leaves room for two opinions, has
 * a body, is no GET or HEAD or does not keep the connection is undefined here, and is left to Node.
 */
export class QuickHeads<Headers> {
  readonly #queries: PlainQueries
  readonly #fields: QuickFields<Headers>

  constructor(headersOf: ReadHeaders<Headers>, queries: PlainQueries) {
    this.#fields = new QuickFields(headersOf)
    this.#queries = queries
  }

  /** What came at once, which must be one request to its last byte. */
  read(chunk: Buffer): QuickHead<Headers> | undefined {
    if (chunk.length > HEAD_BYTES_MAX) return undefined
    const text = chunk.toString('latin1')
    if (text.indexOf(HEAD_END) !== text.length - HEAD_END.length) return undefined
    const method = text.startsWith('GET /') ? 'GET' : text.startsWith('HEAD /') ? 'HEAD' : undefined
    if (method === undefined) return undefined
    const lineEnd = text.indexOf(LINE_END)
    const url = readTarget(text.slice(0, lineEnd), method, this.#queries)
    if (url === undefined) return undefined
    const fields = this.#fields.read(text.slice(lineEnd + LINE_END.length, -LINE_END.length))
    return fields && { ...fields, method, url }
  }
}

/** The target of a first line; undefined when it is not plain. Queries with their `?`. */
export function readTarget(
  line: string,
  method: string,
  queries: PlainQueries,
): string | undefined {
  if (!line.endsWith(VERSION)) return undefined
  const url = line.slice(method.length + 1, -VERSION.length)
  if (PATH.test(url)) return url
  const at = url.indexOf('?')
  const isPlain = at > 0 && queries.has(url.slice(at)) && PATH.test(url.slice(0, at))
  return isPlain ? url : undefined
}
