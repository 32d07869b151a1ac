import { requireNumber } from '../auth/verified-body.ts'
import type { Verified } from '../auth/verify.ts'
import { invalidArgument } from '../errors.ts'
import { requireBucket } from '../requests/missing-bucket.ts'
import type { Query } from '../wire/query.ts'
import { uriEncode } from '../wire/uri.ts'
import type { XmlNode } from '../xml/write.ts'

const ITEMS_MAX = 1000
const INT_MAX = 2_147_483_647

/** What every listing of keys is asked with. */
export interface ListAsk {
  readonly prefix: string
  readonly delimiter: string | undefined
  /** As asked, and at most 1000. */
  readonly limit: number
  /** Keys as this listing writes them. */
  readonly shown: (text: string) => string
  /** `EncodingType`, where the caller asked for one. */
  readonly encoding: XmlNode | undefined
}

/**
 * What a list is asked with, and what `read` finds beside it. AWS complains of a number that is
 * none before it looks for the bucket, and of all else only where there is one.
 */
export async function askedOf<Asked>(
  { request }: Verified,
  maxName: string,
  read: (ask: ListAsk) => Asked,
): Promise<Asked> {
  const { query } = request
  integerOf(maxName, query.get(maxName) || '0')
  try {
    return read(listAsk(query, maxName))
  } catch (error) {
    await requireBucket(request)
    throw error
  }
}

function listAsk(query: Query, maxName: string): ListAsk {
  const encoding = query.get('encoding-type')
  if (encoding !== undefined && encoding.toLowerCase() !== 'url') {
    throw invalidArgument('encoding-type', encoding, 'Invalid Encoding Method specified in Request')
  }
  const delimiter = query.get('delimiter')
  return {
    prefix: query.get('prefix') ?? '',
    delimiter: delimiter === '' ? undefined : delimiter,
    limit: limitOf(query, maxName),
    shown: encoding === undefined ? text => text : text => uriEncode(text),
    encoding: encoding === undefined ? undefined : ['EncodingType', encoding],
  }
}

export function limitOf(query: Query, name: string): number {
  const text = query.get(name)
  return text === undefined || text === '' ? ITEMS_MAX : Math.min(ITEMS_MAX, countOf(name, text))
}

/** A number in the query of a list, in the sentences of AWS where it is none. */
export function integerOf(name: string, text: string): number {
  const value = /^-?\d+$/.test(text) ? Number(text) : Number.NaN
  if (!(value >= -INT_MAX - 1 && value <= INT_MAX)) {
    throw invalidArgument(name, text, `Provided ${name} not an integer or within integer range`)
  }
  return value
}

export function countOf(name: string, text: string): number {
  const value = integerOf(name, text)
  // The name is AWS's own here, which is not that of the parameter.
  const told = name === 'max-keys' ? 'maxKeys' : name
  return requireNumber(told, String(value), { max: INT_MAX })
}

export function prefixNodes(prefixes: readonly string[], { shown }: ListAsk): XmlNode[] {
  return prefixes.map(prefix => ['CommonPrefixes', [['Prefix', shown(prefix)]]])
}

/** Tokens of pages are keys in disguise: opaque to callers, and safe in a URL. */
export function tokenOf(key: string): string {
  return Buffer.from(key).toString('base64url')
}

export function keyOfToken(token: string): string {
  const key = Buffer.from(token, 'base64url').toString()
  if (tokenOf(key) === token) return key
  const message = 'The continuation token provided is incorrect'
  throw invalidArgument('continuation-token', undefined, message)
}
