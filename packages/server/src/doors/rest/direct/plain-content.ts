import type { Principal } from '@holdfast/core/principal.ts'
import type { Asset } from '@holdfast/core/records.ts'
import type { Content } from '@holdfast/engine/assets/get.ts'
import { peekContentById, peekContentByKey } from '@holdfast/engine/assets/peek.ts'
import type { Context } from '../../../context.ts'
import { peekPrincipal } from '../../../http/caller/authenticate.ts'
import { contentHeaders } from '../../../http/content/send-content.ts'
import type { PlainHeaders } from '../../../http/direct/plain-headers.ts'
import { type PreparedHead, prepareHead, WholeWriter } from '../../../http/direct/write-whole.ts'
import { pathValues } from '../../../http/parse/raw-path.ts'
import { securityHeaders } from '../../../http/security-headers.ts'

/** Longer content is worth the longer way: there the bytes cost, not the request. */
const DIRECT_BYTES_MAX = 256 * 1024

const BY_KEY = '/api/v2/buckets/{bucket}/assets/{key+}'
const BUCKETS = '/api/v2/buckets/'
const ASSETS = '/assets/'
const BY_ID = '/api/v2/assets/'
const DOWNLOAD = '/download'
const UUID_CHARS = 36

/** Content that is small enough, and may be read by whoever asks. */
export interface Found {
  readonly operation: string
  readonly content: Content
  readonly principal: Principal
  /** As the caller gave it. */
  readonly requestId: string | undefined
  readonly head: PreparedHead
}

/** Finds what plain GETs and HEADs ask for, and keeps the heads of the answers. */
export class PlainContents {
  /** One for both ways, since it keeps what small bodies are written as. */
  readonly writer: WholeWriter
  readonly #context: Context
  readonly #heads = new WeakMap<Asset, PreparedHead>()

  constructor(context: Context) {
    this.#context = context
    this.writer = new WholeWriter(context.clock)
  }

  /** Undefined says nothing: the way of all requests knows, and says why. */
  find(url: string, headers: PlainHeaders): Found | undefined {
    const found = peek(this.#context, url, headers)
    if (found === undefined || found.content.size > DIRECT_BYTES_MAX) return undefined
    const { asset } = found.content
    let head = this.#heads.get(asset)
    if (head === undefined) {
      head = headOf(this.#context, found.content)
      if (head === undefined) return undefined
      this.#heads.set(asset, head)
    }
    return { ...found, head }
  }
}

export function operationOf(method: string | undefined, operation: string): string {
  if (method === 'HEAD') return operation === 'ByKey' ? 'headByKey' : 'headDownload'
  return operation === 'ByKey' ? 'getByKey' : 'downloadAsset'
}

function peek(
  { engine }: Context,
  url: string,
  headers: PlainHeaders,
): Omit<Found, 'head'> | undefined {
  const { requestId } = headers
  if (url.startsWith(BUCKETS)) {
    const slash = url.indexOf('/', BUCKETS.length)
    if (slash < 0 || !url.startsWith(ASSETS, slash)) return undefined
    const place = placeIn(url, slash)
    const principal = place && peekPrincipal(engine, headers)
    const content = principal && peekContentByKey(engine, principal, place)
    return content && { operation: 'ByKey', content, principal, requestId }
  }
  const idEnd = BY_ID.length + UUID_CHARS
  if (url.length !== idEnd + DOWNLOAD.length || !url.startsWith(BY_ID)) return undefined
  if (!url.endsWith(DOWNLOAD)) return undefined
  const principal = peekPrincipal(engine, headers)
  const id = url.slice(BY_ID.length, idEnd)
  const content = principal && peekContentById(engine, principal, id)
  return content && { operation: 'Download', content, principal, requestId }
}

const PLAIN = /^[^%?#]*$/

function placeIn(url: string, slash: number): { bucket: string; key: string } | undefined {
  if (PLAIN.test(url)) {
    return { bucket: url.slice(BUCKETS.length, slash), key: url.slice(slash + ASSETS.length) }
  }
  if (url.includes('?') || url.includes('#')) return undefined
  try {
    const { bucket = '', key = '' } = pathValues(url, BY_KEY)
    return { bucket, key }
  } catch {
    return undefined
  }
}

function headOf({ settings }: Context, content: Content): PreparedHead | undefined {
  return prepareHead({
    ...securityHeaders(settings),
    ...contentHeaders(content),
    'content-length': String(content.size),
  })
}
