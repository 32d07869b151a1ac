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
  readonly without?: string | undefined
}

/**
 * The canonical request of S3: the path decoded and encoded exactly once, neither normalised nor
 * shortened (https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html).
 */
export function canonicalRequest(parts: SignedParts, choice: SignedChoice): string {
  const { signedHeaders, payloadHash, without } = choice
  const query = canonicalQuery(parts.query, without)
  let text = `${parts.method}\n${canonicalPath(parts.path)}\n${query}\n`
  for (const name of signedHeaders) text += `${parts.headers.canonical(name)}\n`
  return `${text}\n${signedHeaders.join(';')}\n${payloadHash}`
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
  if (query.pairs.length === 0) return ''
  const pairs = query.pairs
    .map(({ name, value }) => ({ name: encoded(name), value: encoded(value) }))
    .filter(({ name }) => name !== without)
  pairs.sort((one, other) => order(one.name, other.name) || order(one.value, other.value))
  return pairs.map(({ name, value }) => `${name}=${value}`).join('&')
}

/** As most values are, slashes aside. */
const UNRESERVED = /^[\w.~-]*$/

function encoded(bytes: Buffer): string {
  const text = bytes.toString('latin1')
  return UNRESERVED.test(text) ? text : uriEncode(bytes, { slash: true })
}

function order(one: string, other: string): number {
  if (one === other) return 0
  return one < other ? -1 : 1
}
