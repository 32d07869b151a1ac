import type { Besides } from '../../../http/direct/quick/quick-fields.ts'
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
  const query = canonicalQuery(parts.query, choice.without)
  const { besides } = parts.headers
  const tail =
    besides === undefined
      ? canonicalTail(parts.headers, choice)
      : keptTail(besides, parts.headers, choice)
  return `${parts.method}\n${canonicalPath(parts.path)}\n${query}\n${tail}`
}

/** What a canonical request says behind its query. */
function canonicalTail(
  headers: RequestHeaders,
  { signedHeaders, payloadHash }: SignedChoice,
): string {
  let text = ''
  for (const name of signedHeaders) text += `${headers.canonical(name)}\n`
  return `${text}\n${signedHeaders.join(';')}\n${payloadHash}`
}

interface KeptTail {
  readonly choice: SignedChoice
  readonly text: string
}

/** By all lines but the signature. */
const tails = new WeakMap<Besides, KeptTail>()

function keptTail(besides: Besides, headers: RequestHeaders, choice: SignedChoice): string {
  const kept = tails.get(besides)
  const { signedHeaders, payloadHash } = choice
  const isSame =
    kept?.choice.signedHeaders === signedHeaders && kept.choice.payloadHash === payloadHash
  if (isSame) return kept.text
  const text = canonicalTail(headers, choice)
  // The line of the signature itself is another one each time.
  if (!signedHeaders.includes('authorization')) tails.set(besides, { choice, text })
  return text
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
