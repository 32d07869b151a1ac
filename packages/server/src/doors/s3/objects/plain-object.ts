import type { LentBytes } from '@holdfast/core/ports/element.ts'
import type { Principal } from '@holdfast/core/principal.ts'
import type { Version } from '@holdfast/core/records.ts'
import type { Engine } from '@holdfast/engine/engine.ts'
import { storedObject } from '@holdfast/engine/objects/object-views.ts'
import {
  heldBytes,
  lendBytes,
  type PeekedObject,
  peekObject,
} from '@holdfast/engine/objects/peek-object.ts'
import { kept, NO_CONTENT } from '../../../http/direct/quick/quick-answer.ts'
import { type PreparedHead, prepareHead } from '../../../http/direct/write-whole.ts'
import type { HeaderNames } from '../../../http/parse/header-names.ts'
import { type Presented, peekCaller } from '../auth/verify.ts'
import { addressOf } from '../requests/address.ts'
import type { PlainTarget } from '../requests/marks.ts'
import { lastingHeaders } from '../send.ts'
import type { RequestHeaders } from '../wire/headers.ts'
import { wholeHeaders } from '../wire/object-headers.ts'

/** Longer content is worth the longer way: there the bytes cost, not the request. */
const BYTES_MAX = 256 * 1024

/** A small object that the caller may read, and how its answer begins. */
export interface PlainObject {
  readonly operation: 'GetObject' | 'HeadObject'
  readonly principal: Principal
  readonly head: PreparedHead
  readonly version: Version
}

/**
 * What the plainest and most frequent requests ask for: GET and HEAD of whole small objects, with
 * no query but a mark of SDKs or the signature of a link. Undefined says nothing: the way of all
 * requests knows, and says why; what is refused here is refused there again, with words.
 */
export function findPlainObject(request: Presented & PlainTarget): PlainObject | undefined {
  const { context, method, path, wire, named } = request
  const operation = method === 'GET' ? 'GetObject' : method === 'HEAD' ? 'HeadObject' : undefined
  if (operation === undefined || !isPlain(wire)) return undefined
  if (named !== undefined && named !== operation) return undefined
  try {
    const { bucket, key } = addressOf(path, wire.get('host'), context.settings.s3Domains)
    if (bucket === undefined || key === undefined) return undefined
    const principal = peekCaller(request)
    const object = principal && peekObject(context.engine, principal, { bucket, key })
    if (principal === undefined || object === undefined) return undefined
    if (object.version.size > BYTES_MAX) return undefined
    const head = headOf(object, wire.has(CHECKED))
    return head === undefined ? undefined : { operation, principal, head, version: object.version }
  } catch {
    return undefined
  }
}

/** Its body, where it is in memory. */
export function heldBody(
  engine: Engine,
  { operation, version }: PlainObject,
): LentBytes | undefined {
  if (operation === 'HeadObject' || version.size === 0) return NO_CONTENT
  const bytes = heldBytes(engine, version)
  return bytes && kept(bytes)
}

/** Its body on loan, where that can be had. */
export function lentBody(engine: Engine, { version }: PlainObject) {
  return lendBytes(engine, version)
}

/** Headers that change nothing about the answer, and those of the signature. */
const PLAIN: ReadonlySet<string> = new Set([
  'host',
  'authorization',
  'x-amz-date',
  'x-amz-content-sha256',
  'x-amz-user-agent',
  'user-agent',
  'accept',
  'accept-encoding',
  'accept-language',
  'connection',
  'content-type',
  'amz-sdk-invocation-id',
  'amz-sdk-request',
])

const CHECKED = 'x-amz-checksum-mode'
const plainNames = new WeakMap<HeaderNames, boolean>()

function isPlain(headers: RequestHeaders): boolean {
  const { names } = headers
  let known = plainNames.get(names)
  if (known === undefined) {
    known = [...names.all()].every(name => PLAIN.has(name) || name === CHECKED)
    plainNames.set(names, known)
  }
  if (!known || headers.get('host')?.includes(',') !== false) return false
  return !names.has(CHECKED) || headers.get(CHECKED) === 'ENABLED'
}

interface Heads {
  /** Of the bucket, which can change what is said. */
  readonly versioning: string
  readonly plain: PreparedHead | undefined
  readonly checked: PreparedHead | undefined
}

/** As long as the version is in memory. */
const heads = new WeakMap<Version, Heads>()

function headOf(object: PeekedObject, checked: boolean): PreparedHead | undefined {
  const { version, bucket } = object
  const { versioning } = bucket.settings
  let known = heads.get(version)
  if (known?.versioning !== versioning) {
    known = { versioning, plain: headText(object, false), checked: headText(object, true) }
    heads.set(version, known)
  }
  return checked ? known.checked : known.plain
}

function headText({ bucket, asset, version }: PeekedObject, checked: boolean) {
  const object = storedObject(bucket, asset, version)
  return prepareHead({ ...lastingHeaders, ...wholeHeaders(object, checked) })
}
