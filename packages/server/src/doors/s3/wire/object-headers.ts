import type { ObjectChecksum } from '@holdfast/core/objects.ts'
import type { Version } from '@holdfast/core/records.ts'
import type { StoredObject } from '@holdfast/engine/objects/object-views.ts'
import { headerOfChecksum } from './checksums.ts'
import { httpDate } from './header-text.ts'
import { headerOfText } from './headers.ts'

/** Headers that describe a version, without those of its transfer. */
export function describingHeaders(object: StoredObject): Record<string, string> {
  const { version, facets } = object
  const headers: Record<string, string> = {
    etag: `"${object.etag}"`,
    'last-modified': httpDate(version.createdAt),
    ...givenBack(object),
    ...versionHeader(object),
  }
  for (const [name, value] of Object.entries(facets.userMetadata ?? {})) {
    headers[`x-amz-meta-${name}`] = headerOfText(value)
  }
  if (facets.storageClass !== undefined) headers['x-amz-storage-class'] = facets.storageClass
  if (facets.tags !== undefined && facets.tags.length > 0) {
    headers['x-amz-tagging-count'] = String(facets.tags.length)
  }
  return { ...headers, ...encryptionHeader(object), ...lockHeaders(object) }
}

/** Of an answer with all of the content. */
export function wholeHeaders(object: StoredObject, checked: boolean): Record<string, string> {
  return {
    ...describingHeaders(object),
    'accept-ranges': 'bytes',
    'content-length': String(object.version.size),
    ...(checked ? checksumHeaders(object) : {}),
  }
}

function givenBack({ version, facets }: StoredObject): Record<string, string> {
  const { headers = {} } = facets
  const names: readonly (readonly [string, string | undefined])[] = [
    ['content-type', headers.contentType ?? standardType(version)],
    ['cache-control', headers.cacheControl],
    ['content-disposition', headers.contentDisposition],
    ['content-encoding', headers.contentEncoding],
    ['content-language', headers.contentLanguage],
    ['expires', headers.expires],
    ['x-amz-website-redirect-location', headers.websiteRedirect],
  ]
  const found: Record<string, string> = {}
  for (const [name, value] of names) if (value !== undefined) found[name] = headerOfText(value)
  return found
}

/** What S3 says of objects of which nobody said it; what other doors stored has its type. */
function standardType({ object, contentType }: Version): string {
  const isOfS3 = object !== undefined && object.elsewhere !== true
  return isOfS3 ? 'binary/octet-stream' : contentType
}

/** Only where the bucket has ever kept versions. */
export function versionHeader({ bucket, versionId }: StoredObject): Record<string, string> {
  return bucket.settings.versioning === 'disabled' ? {} : { 'x-amz-version-id': versionId }
}

/** Of a version that was just made: one that replaces the `null` version is no version, says S3. */
export function newVersionHeader(object: StoredObject): Record<string, string> {
  return object.bucket.settings.versioning === 'enabled' ? versionHeader(object) : {}
}

/** Of an object, an upload or a part. */
export function encryptionHeader({
  facets,
}: {
  readonly facets: Pick<StoredObject['facets'], 'encryption'>
}): Record<string, string> {
  return facets.encryption === undefined
    ? {}
    : { 'x-amz-server-side-encryption': facets.encryption }
}

function lockHeaders({ facets }: StoredObject): Record<string, string> {
  const { retention, legalHold } = facets
  return {
    ...(retention === undefined
      ? {}
      : {
          'x-amz-object-lock-mode': retention.mode,
          'x-amz-object-lock-retain-until-date': retention.until,
        }),
    ...(legalHold === undefined
      ? {}
      : { 'x-amz-object-lock-legal-hold': legalHold ? 'ON' : 'OFF' }),
  }
}

export function checksumHeaders(object: StoredObject): Record<string, string> {
  const { checksum } = object.facets
  if (checksum === undefined) return {}
  return {
    [headerOfChecksum(checksum.algorithm)]: shownChecksum(checksum, object),
    'x-amz-checksum-type': checksumTypeName(checksum),
  }
}

/** A composite one ends in the number of parts. */
export function shownChecksum(checksum: ObjectChecksum, { facets }: StoredObject): string {
  if (checksum.type === 'full') return checksum.value
  return `${checksum.value}-${facets.parts?.length ?? 1}`
}

export function checksumTypeName({ type }: Pick<ObjectChecksum, 'type'>): string {
  return type === 'full' ? 'FULL_OBJECT' : 'COMPOSITE'
}
