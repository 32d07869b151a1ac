import { HoldfastError } from '@holdfast/core/errors.ts'
import { type ETagConditions, matches } from './etag.ts'
import type { StoredObject } from './object-views.ts'

/** `x-amz-copy-source-if-*`. Times are ISO 8601. */
export interface SourceConditions extends ETagConditions {
  readonly ifModifiedSince?: string | undefined
  readonly ifUnmodifiedSince?: string | undefined
}

/**
 * PRECONDITION_FAILED unless the source meets the conditions. A matching ETag outweighs
 * `ifUnmodifiedSince`, a differing one `ifModifiedSince`
 * (https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html).
 */
export function requireSource(source: StoredObject, conditions: SourceConditions): void {
  const { ifMatch, ifNoneMatch, ifModifiedSince, ifUnmodifiedSince } = conditions
  // HTTP dates have whole seconds.
  const modifiedS = Math.floor(Date.parse(source.version.createdAt) / 1000)
  const secondOf = (time: string) => Math.floor(Date.parse(time) / 1000)
  if (ifMatch !== undefined) {
    if (!matches(source.etag, ifMatch)) fail('x-amz-copy-source-if-match')
  } else if (ifUnmodifiedSince !== undefined && modifiedS > secondOf(ifUnmodifiedSince)) {
    fail('x-amz-copy-source-if-unmodified-since')
  }
  if (ifNoneMatch !== undefined) {
    if (matches(source.etag, ifNoneMatch)) fail('x-amz-copy-source-if-none-match')
  } else if (ifModifiedSince !== undefined && modifiedS <= secondOf(ifModifiedSince)) {
    fail('x-amz-copy-source-if-modified-since')
  }
}

function fail(precondition: string): never {
  throw new HoldfastError('PRECONDITION_FAILED', { precondition })
}
