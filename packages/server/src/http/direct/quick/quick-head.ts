/** A request that is nothing but a plain GET or HEAD. */
export interface QuickHead<Headers> {
  readonly method: 'GET' | 'HEAD'
  /** A path; behind it nothing, or one of the queries that the door takes. */
  readonly url: string
  readonly headers: Headers
  readonly traceparent: string | undefined
}

/** Names and values in turn, as Node would read them; undefined when they are not plain enough. */
export type ReadHeaders<Headers> = (raw: readonly string[]) => Headers | undefined

/** Whole queries, with their question marks, with which a request may be plain. */
export type PlainQueries = Pick<ReadonlySet<string>, 'has'>

/** Heads of programs are shorter; longer ones are Node's to judge. */
export const HEAD_BYTES_MAX = 2048
const LINE_END = '\r\n'
export const HEAD_END = '\r\n\r\n'
const VERSION = ' HTTP/1.1'

/** A path of characters that mean the same to every reader (RFC 3986 §3.3), escapes included. */
const PATH = /^\/[\w~.!$&'()*+,;=:@%/-]*$/
const NAME = /^[\w!#$%&'*+.^`|~-]+$/
/** Anything but blanks, tabs and visible ASCII: no line break of any kind, no byte above it. */
const UNUSUAL = /[^\t\x20-\x7e]/

/** Of a head: what is behind them is read anew each time. */
const KEPT_LINES_MAX = 16

interface Line {
  /** With its line break, so that no other line begins with it. */
  readonly text: string
  readonly name: string
  readonly value: string
  readonly isTrace: boolean
}

/** The lines below the first one. */
export interface ReadFields {
  /** Names and values in turn. */
  readonly raw: readonly string[]
  readonly traceparent: string | undefined
}

/**
 * Reads the lines below the first one, each with its line break; undefined when one is not plain. A
 * client mostly says the same each time, or all but a line or two: that is read once.
 */
export class FieldLines {
  readonly #lines: Line[] = []

  read(fields: string): ReadFields | undefined {
    const raw: string[] = []
    let traceparent: string | undefined
    let at = 0
    for (let number = 0; at < fields.length; number += 1) {
      const line = this.#lineAt(fields, at, number)
      if (line === undefined) return undefined
      if (line.isTrace) {
        if (traceparent !== undefined) return undefined
        traceparent = line.value
      }
      raw.push(line.name, line.value)
      at += line.text.length
    }
    return { raw, traceparent }
  }

  #lineAt(fields: string, at: number, number: number): Line | undefined {
    const known = this.#lines[number]
    if (known !== undefined && fields.startsWith(known.text, at)) return known
    const line = readLine(fields.slice(at, fields.indexOf(LINE_END, at) + LINE_END.length))
    if (line !== undefined && number < KEPT_LINES_MAX) this.#lines[number] = line
    return line
  }
}

/**
 * Reads heads that every parser of RFC 9112 reads alike; whatever leaves room for two opinions, has
 * a body, is no GET or HEAD or does not keep the connection is undefined here, and is left to Node.
 */
export class QuickHeads<Headers> {
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
    const fields = text.slice(lineEnd + LINE_END.length, -LINE_END.length)
    if (fields !== this.#fields) this.#readFields(fields)
    const headers = this.#headers
    return headers && { method, url, headers, traceparent: this.#traceparent }
  }

  #readFields(fields: string): void {
    const read = this.#lines.read(fields)
    this.#fields = fields
    this.#headers = read && this.#headersOf(read.raw)
    this.#traceparent = read?.traceparent
  }
}

function readLine(text: string): Line | undefined {
  const colon = text.indexOf(':')
  const name = text.slice(0, Math.max(0, colon))
  const rest = text.slice(0, -LINE_END.length)
  if (!NAME.test(name) || UNUSUAL.test(rest)) return undefined
  const value = rest.slice(colon + 1).trim()
  const lower = name.toLowerCase()
  if (lower === 'connection' && value.toLowerCase() !== 'keep-alive') return undefined
  return { text, name, value, isTrace: lower === 'traceparent' }
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
