import { type PlainHeaders, plainHeaders } from '../plain-headers.ts'

/** A request that is nothing but a plain GET or HEAD. */
export interface QuickHead {
  readonly method: 'GET' | 'HEAD'
  readonly url: string
  readonly headers: PlainHeaders
  readonly traceparent: string | undefined
}

/** Heads of programs are shorter; longer ones are Node's to judge. */
export const HEAD_BYTES_MAX = 2048
export const HEAD_END = '\r\n\r\n'
const VERSION = ' HTTP/1.1'

/** A path of characters that mean the same to every reader (RFC 3986 §3.3), escapes included. */
const PATH = /^\/[\w~.!$&'()*+,;=:@%/-]*$/
const NAME = /^[\w!#$%&'*+.^`|~-]+$/
/** Anything but blanks, tabs and visible ASCII: no line break of any kind, no byte above it. */
const UNUSUAL = /[^\t\x20-\x7e]/

/**
 * Reads heads that every parser of RFC 9112 reads alike; whatever leaves room for two opinions, has
 * a body, is no GET or HEAD or does not keep the connection is undefined here, and is left to Node.
 * A client mostly says the same below the first line each time: that is read once.
 */
export class QuickHeads {
  #fields = ''
  #headers: PlainHeaders | undefined
  #traceparent: string | undefined

  /** What came at once, which must be one request to its last byte. */
  read(chunk: Buffer): QuickHead | undefined {
    if (chunk.length > HEAD_BYTES_MAX) return undefined
    const text = chunk.toString('latin1')
    if (text.indexOf(HEAD_END) !== text.length - HEAD_END.length) return undefined
    const method = text.startsWith('GET /') ? 'GET' : text.startsWith('HEAD /') ? 'HEAD' : undefined
    if (method === undefined) return undefined
    const lineEnd = text.indexOf('\r\n')
    const url = readTarget(text, method, lineEnd)
    if (url === undefined) return undefined
    const fields = text.slice(lineEnd + 2, -2)
    if (fields !== this.#fields) this.#readFields(fields)
    const headers = this.#headers
    return headers && { method, url, headers, traceparent: this.#traceparent }
  }

  #readFields(fields: string): void {
    const read = readFields(fields)
    this.#fields = fields
    this.#headers = read && plainHeaders(read.raw)
    this.#traceparent = read?.traceparent
  }
}

export interface ReadFields {
  /** Names and values in turn. */
  readonly raw: readonly string[]
  readonly traceparent: string | undefined
}

/** Lines below the first, each with its line break; undefined when one is not plain. */
export function readFields(fields: string): ReadFields | undefined {
  const raw: string[] = []
  let traceparent: string | undefined
  for (const line of fields.split('\r\n').slice(0, -1)) {
    const colon = line.indexOf(':')
    const name = line.slice(0, Math.max(0, colon))
    if (!NAME.test(name) || UNUSUAL.test(line)) return undefined
    const value = line.slice(colon + 1).trim()
    const lower = name.toLowerCase()
    if (lower === 'connection' && value.toLowerCase() !== 'keep-alive') return undefined
    if (lower === 'traceparent') {
      if (traceparent !== undefined) return undefined
      traceparent = value
    }
    raw.push(name, value)
  }
  return { raw, traceparent }
}

/** The target of a first line that ends there; undefined when it is not plain. */
export function readTarget(text: string, method: string, lineEnd: number): string | undefined {
  const urlEnd = lineEnd - VERSION.length
  if (!text.startsWith(VERSION, urlEnd)) return undefined
  const url = text.slice(method.length + 1, urlEnd)
  return PATH.test(url) ? url : undefined
}
