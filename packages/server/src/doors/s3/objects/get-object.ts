import { isHoldfastError } from '@holdfast/core/errors.ts'
import type { ByteRange } from '@holdfast/core/ports/element.ts'
import type { Action } from '@holdfast/engine/access/actions.ts'
import { isToldBeside } from '@holdfast/engine/access/authorize-action.ts'
import { getObject } from '@holdfast/engine/objects/find-object.ts'
import type { StoredObject } from '@holdfast/engine/objects/object-views.ts'
import { partRange, readObject } from '@holdfast/engine/objects/read-object.ts'
import { contentRange, parseRange, rangeBytes } from '../../../http/content/ranges.ts'
import { requireNumber } from '../auth/verified-body.ts'
import type { Verified } from '../auth/verify.ts'
import { invalidArgument, S3Error } from '../errors.ts'
import type { Answer } from '../requests/answer.ts'
import { objectPlace } from '../requests/place.ts'
import { headerOfChecksum } from '../wire/checksums.ts'
import { requireReadConditions } from '../wire/conditions.ts'
import { requireHeaderText } from '../wire/header-text.ts'
import { headerOfText } from '../wire/headers.ts'
import { checksumTypeName, wholeHeaders } from '../wire/object-headers.ts'

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html, and of HeadObject. */
export async function getObjectHere(verified: Verified): Promise<Answer> {
  const { engine, call, address } = objectPlace(verified)
  const overrides = overridesOf(verified)
  const object = await getObject(engine, call, {
    ...address,
    action: address.versionId === undefined ? 's3:GetObject' : 's3:GetObjectVersion',
  })
  requireNoEncryption(verified)
  requireReadConditions(verified.request, object)
  const part = partOf(verified, object)
  const range = part === undefined ? rangeOf(verified, object) : part.range
  const { size } = object.version
  const partial = range !== undefined || part !== undefined
  const isEmptyPart = part !== undefined && range === undefined
  const isAll = range === undefined || rangeBytes(range) === size
  const isWhole = isAll && (part === undefined || object.facets.parts === undefined)
  const headers: Record<string, string> = {
    ...toldTo(verified, object, wholeHeaders(object, isWhole && asksForChecksum(verified))),
    ...(part?.checksum !== undefined && asksForChecksum(verified) ? part.checksum : {}),
    ...overrides,
    ...(isEmptyPart ? { 'content-length': '0' } : {}),
    ...(range === undefined
      ? {}
      : {
          'content-length': String(rangeBytes(range)),
          'content-range': contentRange(range, size),
        }),
    ...(part === undefined || object.facets.parts === undefined
      ? {}
      : { 'x-amz-mp-parts-count': String(part.parts) }),
  }
  const status = partial ? 206 : 200
  if (verified.request.method === 'HEAD') return { status, headers }
  const content = isEmptyPart ? NOTHING : await readObject(engine, object, { range, onLoan: true })
  return { status, headers, content }
}

const NOTHING = { size: 0, bytes: new Uint8Array(0) }

/** Headers that S3 shows to who may ask for what they say, and the part of the action's name. */
const TOLD_BESIDE = [
  ['x-amz-tagging-count', 'Tagging'],
  ['x-amz-object-lock-mode', 'Retention'],
  ['x-amz-object-lock-retain-until-date', 'Retention'],
  ['x-amz-object-lock-legal-hold', 'LegalHold'],
] as const

/** The headers without those that the caller may not be told. */
function toldTo(
  { call, request }: Verified,
  { bucket, asset, version }: StoredObject,
  headers: Record<string, string>,
): Record<string, string> {
  const versionId = request.query.get('versionId')
  const named = versionId !== undefined
  const hidden = TOLD_BESIDE.filter(([name, what]) => {
    if (headers[name] === undefined) return false
    const action: Action =
      what === 'Tagging' && named ? 's3:GetObjectVersionTagging' : `s3:GetObject${what}`
    return !isToldBeside(call, { bucket, key: asset.key, asset, version, versionId, action })
  })
  if (hidden.length === 0) return headers
  const names = new Set<string>(hidden.map(([name]) => name))
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !names.has(name)))
}

const ENCRYPTION = 'x-amz-server-side-encryption'

/** Headers of encryption are of writes; keys of customers fit no object that is here. */
function requireNoEncryption({ request: { headers } }: Verified): void {
  for (const name of [ENCRYPTION, `${ENCRYPTION}-aws-kms-key-id`]) {
    const value = headers.get(name)
    const message = `${name} header is not supported for this operation.`
    if (value !== undefined) throw invalidArgument(name, value, message)
  }
  if (!headers.has(`${ENCRYPTION}-customer-algorithm`)) return
  const message = 'The encryption parameters are not applicable to this object.'
  throw new S3Error('InvalidRequest', { message })
}

function asksForChecksum({ request }: Verified): boolean {
  return request.headers.get('x-amz-checksum-mode')?.toUpperCase() === 'ENABLED'
}

function partOf({ request }: Verified, object: StoredObject): PartOfObject | undefined {
  const text = request.query.get('partNumber')
  if (text === undefined) return undefined
  if (request.headers.has('range')) {
    const message = 'Cannot specify both Range header and partNumber query parameter'
    throw new S3Error('InvalidRequest', { message })
  }
  const message = 'Part number must be an integer between 1 and 10000, inclusive'
  const number = requireNumber('partNumber', text, { min: 1, max: 10_000, message })
  try {
    return { ...partRange(object, number), checksum: partChecksum(object, number) }
  } catch (error) {
    if (isHoldfastError(error) && error.code === 'PART_INVALID') {
      const facts = { ActualPartCount: String(error.details.parts), PartNumberRequested: text }
      throw new S3Error('InvalidPartNumber', facts, { cause: error })
    }
    throw error
  }
}

interface PartOfObject {
  readonly range: ByteRange | undefined
  readonly parts: number
  /** Headers of the checksum that the part came with. */
  readonly checksum: Record<string, string> | undefined
}

function partChecksum(
  { facets: { checksum, parts } }: StoredObject,
  number: number,
): Record<string, string> | undefined {
  const value = parts?.find(part => part.number === number)?.checksum
  if (checksum === undefined || value === undefined) return undefined
  return {
    [headerOfChecksum(checksum.algorithm)]: value,
    'x-amz-checksum-type': checksumTypeName(checksum),
  }
}

/** One range, as S3 has it: several are answered with the whole object. */
function rangeOf({ request }: Verified, object: StoredObject): ByteRange | undefined {
  const header = request.headers.get('range')
  if (header === undefined || !isRange(header)) return undefined
  const { size } = object.version
  const answer = parseRange(header, size, 1)
  if (answer.kind === 'whole') return undefined
  if (answer.kind === 'ranges') return answer.ranges[0]
  throw new S3Error(
    'InvalidRange',
    { RangeRequested: header?.slice(0, 200), ActualObjectSize: String(size) },
    { headers: { 'content-range': `bytes */${size}` } },
  )
}

/**
 * What S3 takes for a range; all else is ignored, also one that ends before it begins, which RFC
 * 9110 §14.2 lets a server ignore or refuse.
 */
function isRange(header: string): boolean {
  const [, first, last] = /^bytes=(\d*)-(\d*)$/i.exec(header) ?? []
  if (first === undefined || last === undefined) return false
  return first === '' || last === '' || Number(first) <= Number(last)
}

const OVERRIDES = [
  'cache-control',
  'content-disposition',
  'content-encoding',
  'content-language',
  'content-type',
  'expires',
]

/** `response-content-type` and the like, for signed requests only. */
function overridesOf({ request, call }: Verified): Record<string, string> {
  const headers: Record<string, string> = {}
  for (const name of OVERRIDES) {
    const value = request.query.get(`response-${name}`)
    if (value === undefined) continue
    if (call.principal.kind === 'anonymous') {
      const message = 'Request specific response headers cannot be used for anonymous GET requests.'
      throw new S3Error('InvalidRequest', { message })
    }
    headers[name] = headerOfText(requireHeaderText(`response-${name}`, value))
  }
  return headers
}
