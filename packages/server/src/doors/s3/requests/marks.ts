import { NO_QUERY, Query } from '../wire/query.ts'

/** What a request line without parameters of its own says. */
export interface PlainTarget {
  readonly path: string
  /** Signed like any other. */
  readonly query: Query
  /** The operation that the query repeats. */
  readonly named: string | undefined
}

type Mark = Omit<PlainTarget, 'path'>

const PLAIN_OPERATIONS = ['GetObject', 'HeadObject', 'PutObject']
/** By the whole query: `x-id` of the SDKs of AWS repeats what the request says already. */
const known = new Map<string, Mark>(
  PLAIN_OPERATIONS.map(named => {
    const text = `x-id=${named}`
    return [`?${text}`, { named, query: new Query(text) }]
  }),
)

/**
 * All that a plain link of version 4 holds: its signature, and what SDKs say besides. Checksums are
 * not asked for in links (request.ts).
 */
const LINK_NAMES: ReadonlySet<string> = new Set([
  'X-Amz-Algorithm',
  'X-Amz-Content-Sha256',
  'X-Amz-Credential',
  'X-Amz-Date',
  'X-Amz-Expires',
  'X-Amz-Signature',
  'X-Amz-SignedHeaders',
  'x-amz-checksum-mode',
  'x-id',
])
const SIGNATURE = 'X-Amz-Signature='
/** Nothing to decode but the slashes and semicolons of its own parameters. */
const LINK = /^\?(?:[\w.~&=/;-]|%2[Ff]|%3[Bb])+$/

function mayBeLink(query: string): boolean {
  return query.includes(SIGNATURE) && LINK.test(query)
}

/** Whole queries, each with its question mark, with which a request may still be a plain one. */
export const marks: Pick<ReadonlySet<string>, 'has'> = {
  has: query => known.has(query) || mayBeLink(query),
}

/** Undefined where the query is any other. */
export function plainTarget(url: string): PlainTarget | undefined {
  const at = url.indexOf('?')
  if (at < 0) return { path: url, query: NO_QUERY, named: undefined }
  const text = url.slice(at)
  const mark = known.get(text) ?? plainLink(text)
  return mark && { path: url.slice(0, at), ...mark }
}

/** A link that asks for no more than its path says. Nothing of it is proven yet. */
function plainLink(text: string): Mark | undefined {
  if (!mayBeLink(text)) return undefined
  try {
    const query = new Query(text.slice(1))
    let names = 0
    for (const name of query.names()) {
      if (!LINK_NAMES.has(name)) return undefined
      names += 1
    }
    // One that is given twice is refused with words.
    if (names !== query.pairs.length) return undefined
    return { query, named: query.get('x-id') }
  } catch {
    return undefined
  }
}
