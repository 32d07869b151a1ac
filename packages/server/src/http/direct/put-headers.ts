/** The headers of a PUT that is plain enough to be answered directly. */
export interface PutHeaders {
  readonly apiKey: string | undefined
  readonly authorization: string | undefined
  readonly requestId: string | undefined
  readonly contentType: string | undefined
  readonly length: number
}

const READ: ReadonlyMap<string, keyof PutHeaders | 'host'> = new Map([
  ['host', 'host'],
  ['x-api-key', 'apiKey'],
  ['authorization', 'authorization'],
  ['x-request-id', 'requestId'],
  ['content-type', 'contentType'],
  ['content-length', 'length'],
])
/** They change nothing about a PUT. */
const IGNORED: ReadonlySet<string> = new Set([
  'user-agent',
  'accept',
  'accept-language',
  'connection',
  'traceparent',
  'tracestate',
])

/**
 * Undefined when a header is there that is not known to be harmless, or one twice: conditions,
 * digests, metadata and codings go the way of all requests. Names and values in turn, as Node reads
 * them.
 */
export function putHeaders(raw: readonly string[]): PutHeaders | undefined {
  const found: { [name in keyof PutHeaders | 'host']?: string } = {}
  for (let at = 0; at < raw.length; at += 2) {
    const name = (raw[at] ?? '').toLowerCase()
    const field = READ.get(name)
    if (field === undefined) {
      if (!IGNORED.has(name)) return undefined
      continue
    }
    if (found[field] !== undefined) return undefined
    found[field] = raw[at + 1] ?? ''
  }
  const { host, length: announced = '', apiKey, authorization, requestId, contentType } = found
  if (host === undefined || !/^\d{1,9}$/.test(announced)) return undefined
  return { apiKey, authorization, requestId, contentType, length: Number(announced) }
}
