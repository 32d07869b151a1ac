/** The headers of a request that is plain enough to be answered directly. */
export interface PlainHeaders {
  readonly apiKey: string | undefined
  readonly authorization: string | undefined
  readonly requestId: string | undefined
}

/** What makes an answer another one, or comes with a body: left to the way of all requests. */
const UNUSUAL: ReadonlySet<string> = new Set([
  'range',
  'origin',
  'expect',
  'upgrade',
  'if-match',
  'if-none-match',
  'if-modified-since',
  'if-unmodified-since',
  'content-length',
  'transfer-encoding',
  'content-encoding',
])
const READ: ReadonlySet<string> = new Set(['host', 'x-api-key', 'authorization', 'x-request-id'])
const LENGTHS: ReadonlySet<number> = new Set([...UNUSUAL, ...READ].map(name => name.length))

/**
 * Undefined when a header is unusual, or one that counts is there twice. Names and values in turn,
 * as Node read them: building its object of headers costs more than all that is asked of it here.
 */
export function plainHeaders(raw: readonly string[]): PlainHeaders | undefined {
  let host: string | undefined
  let apiKey: string | undefined
  let authorization: string | undefined
  let requestId: string | undefined
  for (let at = 0; at < raw.length; at += 2) {
    const given = raw[at] ?? ''
    if (!LENGTHS.has(given.length)) continue
    const name = given.toLowerCase()
    const value = raw[at + 1] ?? ''
    if (UNUSUAL.has(name)) return undefined
    switch (name) {
      case 'host':
        if (host !== undefined) return undefined
        host = value
        break
      case 'x-api-key':
        if (apiKey !== undefined) return undefined
        apiKey = value
        break
      case 'authorization':
        if (authorization !== undefined) return undefined
        authorization = value
        break
      case 'x-request-id':
        if (requestId !== undefined) return undefined
        requestId = value
        break
      default:
    }
  }
  return host === undefined ? undefined : { apiKey, authorization, requestId }
}
