import { NO_QUERY, Query } from '../wire/query.ts'

/** What a request line without parameters of its own says. */
export interface PlainTarget {
  readonly path: string
  /** Signed like any other. */
  readonly query: Query
  /** The operation that the query repeats. */
  readonly named: string | undefined
}

const PLAIN_OPERATIONS = ['GetObject', 'HeadObject', 'PutObject']
/** By the whole query: `x-id` of the SDKs of AWS repeats what the request says already. */
const known = new Map<string, Omit<PlainTarget, 'path'>>(
  PLAIN_OPERATIONS.map(named => {
    const text = `x-id=${named}`
    return [`?${text}`, { named, query: new Query(text) }]
  }),
)

/** Whole queries, each with its question mark, with which a request is still a plain one. */
export const marks: ReadonlySet<string> = new Set(known.keys())

/** Undefined where the query is any other. */
export function plainTarget(url: string): PlainTarget | undefined {
  const at = url.indexOf('?')
  if (at < 0) return { path: url, query: NO_QUERY, named: undefined }
  const mark = known.get(url.slice(at))
  return mark && { path: url.slice(0, at), ...mark }
}
