import { S3Error } from '../errors.ts'
import type { RequestHeaders } from '../wire/headers.ts'
import type { Query } from '../wire/query.ts'
import { uriDecode, uriEncode } from '../wire/uri.ts'

/** What of a request is signed, as it came on the wire. */
export interface SignedParts {
  readonly method: string
  /** Of the request line, still encoded. */
  readonly path: string
  readonly query: Query
  readonly headers: RequestHeaders
}

export interface SignedChoice {
  readonly signedHeaders: readonly string[]
  readonly payloadHash: string
  /** Query parameter that holds the signature itself. */
  readonly without?: string
}

/**
 * The canonical request of S3: the path decoded and encoded exactly once, neither normalised nor
 * shortened (https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html).
 */
export function canonicalRequest(parts: SignedParts, choice: SignedChoice): string {
  return [
    parts.method,
    canonicalPath(parts.path),
    canonicalQuery(parts.query, choice.without),
    ...choice.signedHeaders.map(name => parts.headers.canonical(name)),
    '',
    choice.signedHeaders.join(';'),
    choice.payloadHash,
  ].join('\n')
}

/** Most paths have nothing to encode. */
const PLAIN = /^[\w.~/-]*$/

function canonicalPath(path: string): string {
  if (PLAIN.test(path)) return path
  const bytes = uriDecode(path)
  if (bytes === undefined) throw new S3Error('InvalidURI')
  return uriEncode(bytes)
}

function canonicalQuery(query: Query, without: string | undefined): string {
  const pairs = query.pairs
    .map(({ name, value }) => ({
      name: uriEncode(name, { slash: true }),
      value: uriEncode(value, { slash: true }),
    }))
    .filter(({ name }) => name !== without)
  pairs.sort((one, other) => order(one.name, other.name) || order(one.value, other.value))
  return pairs.map(({ name, value }) => `${name}=${value}`).join('&')
}

function order(one: string, other: string): number {
  if (one === other) return 0
  return one < other ? -1 : 1
}
