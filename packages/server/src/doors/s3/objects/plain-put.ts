import type { Call } from '@holdfast/core/call.ts'
import type { Principal } from '@holdfast/core/principal.ts'
import type { Bucket } from '@holdfast/core/records.ts'
import { rightsMoment } from '@holdfast/engine/access/rights-now.ts'
import { atOnce } from '@holdfast/engine/assets/peek.ts'
import type { Engine } from '@holdfast/engine/engine.ts'
import { putObject } from '@holdfast/engine/objects/put-object.ts'
import { SMALL_BYTES_MAX } from '../../../http/direct/body-buffers.ts'
import type { Besides } from '../../../http/direct/quick/quick-fields.ts'
import type { HeaderNames } from '../../../http/parse/header-names.ts'
import type { PayloadMode } from '../auth/payload.ts'
import { expectedDigests } from '../auth/verified-body.ts'
import { type Presented, peekSender } from '../auth/verify.ts'
import { addressOf } from '../requests/address.ts'
import type { PlainTarget } from '../requests/marks.ts'
import { RequestHeaders } from '../wire/headers.ts'
import { inputOfHeaders } from '../wire/object-input.ts'
import { storedHeaders } from './put-object.ts'

/** A put whose signer may be believed; its body is still to come. */
export interface PlainPut {
  readonly principal: Principal
  /** Of the rights by which the principal was found. */
  readonly moment: number
  readonly mode: PayloadMode
  readonly bucket: string
  readonly key: string
  readonly length: number
  readonly wire: RequestHeaders
}

export interface PlainPutHeaders {
  readonly length: number
  readonly wire: RequestHeaders
}

/** Headers that change nothing about a put, those of the signature, and those that are obeyed. */
const PLAIN: ReadonlySet<string> = new Set([
  'host',
  'authorization',
  'connection',
  'x-amz-date',
  'x-amz-content-sha256',
  'x-amz-user-agent',
  'user-agent',
  'accept',
  'accept-encoding',
  'accept-language',
  'amz-sdk-invocation-id',
  'amz-sdk-request',
  'content-length',
  'content-type',
  'content-md5',
  'cache-control',
  'content-disposition',
  'content-language',
  'x-amz-storage-class',
  'x-amz-sdk-checksum-algorithm',
  'x-amz-checksum-crc32',
  'x-amz-checksum-crc32c',
  'x-amz-checksum-crc64nvme',
  'x-amz-checksum-sha1',
  'x-amz-checksum-sha256',
  'x-amz-checksum-sha512',
  'x-amz-checksum-md5',
])
const METADATA = 'x-amz-meta-'

/**
 * Undefined when a header is there that is not known, or one twice: what copies, opens, locks or
 * has a condition goes the way of all requests. Names and values in turn, as Node reads them.
 */
export function plainPutHeaders(
  raw: readonly string[],
  names: HeaderNames,
  besides?: Besides,
): PlainPutHeaders | undefined {
  if (!areKnown(names)) return undefined
  const wire = new RequestHeaders(raw, names, besides)
  const length = wire.get('content-length') ?? ''
  return /^\d{1,9}$/.test(length) ? { length: Number(length), wire } : undefined
}

const knownNames = new WeakMap<HeaderNames, boolean>()

function areKnown(names: HeaderNames): boolean {
  let are = knownNames.get(names)
  if (are === undefined) {
    const all = [...names.all()].every(name => PLAIN.has(name) || name.startsWith(METADATA))
    are = all && !names.areRepeated && names.has('host')
    knownNames.set(names, are)
  }
  return are
}

/**
 * PUTs of small objects with a signature in their headers, into buckets without versions or rules.
 * Undefined says nothing, as with `findPlainObject`.
 */
export function findPlainPut(
  request: Presented & PlainTarget,
  length: number,
): PlainPut | undefined {
  const { context, path, wire, named } = request
  const { engine, settings } = context
  if (length > SMALL_BYTES_MAX || (named !== undefined && named !== 'PutObject')) return undefined
  try {
    const { bucket, key } = addressOf(path, wire.get('host'), settings.s3Domains)
    if (bucket === undefined || key === undefined) return undefined
    const known = atOnce(engine.catalog.view.buckets.byName(bucket))
    if (known === undefined || isSpecial(known)) return undefined
    const sender = peekSender(request)
    return sender && { ...sender, bucket, key, length, wire, moment: rightsMoment(engine) }
  } catch {
    return undefined
  }
}

/** A policy may ask for more than is known here; versions, locks and encryption are rarer. */
function isSpecial({ settings, documents = {} }: Bucket): boolean {
  const { policy, objectLock, encryption } = documents
  if (settings.versioning !== 'disabled') return true
  return policy !== undefined || objectLock !== undefined || encryption !== undefined
}

/** Headers of the answer; undefined where it is refused or fails, which the long way tells. */
export async function storePlainPut(
  engine: Engine,
  call: Call,
  { put, bytes }: { readonly put: PlainPut; readonly bytes: Uint8Array },
): Promise<Record<string, string> | undefined> {
  const { bucket, key, length, wire, mode, moment } = put
  // While the body came, its sender may have been shut out.
  if (moment !== rightsMoment(engine)) return undefined
  try {
    const { expected, checksum } = expectedDigests(wire, mode)
    const object = await putObject(engine, call, {
      ...{ bucket, key, source: bytes, length, expected },
      facets: inputOfHeaders(wire),
      checksum: checksum?.algorithm,
    })
    return storedHeaders(object)
  } catch {
    return undefined
  }
}
