import type { Call } from '@holdfast/core/call.ts'
import { bounds } from '@holdfast/core/limits.ts'
import type { Engine } from '@holdfast/engine/engine.ts'
import { isVersionId } from '@holdfast/engine/objects/find-object.ts'
import type { Verified } from '../auth/verify.ts'
import { INVALID_VERSION_ID } from '../error-codes.ts'
import { invalidArgument, S3Error } from '../errors.ts'

export interface BucketPlace {
  readonly engine: Engine
  readonly call: Call
  readonly bucket: string
}

export interface ObjectPlace extends BucketPlace {
  readonly address: {
    readonly bucket: string
    readonly key: string
    readonly versionId?: string
  }
}

/** Of an operation on a bucket: the router has made sure that one is named. */
export function bucketPlace({ request, call }: Verified): BucketPlace {
  const { bucket } = request.address
  if (bucket === undefined) throw new S3Error('InvalidBucketName')
  return { engine: request.context.engine, call, bucket }
}

export function objectPlace(verified: Verified): ObjectPlace {
  const place = bucketPlace(verified)
  const { key } = verified.request.address
  if (key === undefined) throw new S3Error('InvalidURI')
  if (Buffer.byteLength(key) > bounds.keyBytesMax) {
    const [Size, MaxSizeAllowed] = [String(Buffer.byteLength(key)), String(bounds.keyBytesMax)]
    throw new S3Error('KeyTooLongError', { Size, MaxSizeAllowed })
  }
  const versionId = verified.request.query.get('versionId')
  if (versionId === '') {
    throw invalidArgument('versionId', '', 'Version id cannot be the empty string')
  }
  if (versionId !== undefined && !isVersionId(versionId)) {
    throw invalidArgument('versionId', versionId, INVALID_VERSION_ID)
  }
  // Conditions compare it as it is kept.
  const version = versionId === undefined ? {} : { versionId: versionId.toLowerCase() }
  return { ...place, address: { bucket: place.bucket, key, ...version } }
}
