import { isHoldfastError } from '@holdfast/core/errors.ts'
import type { Bucket, BucketDocuments, JsonObject } from '@holdfast/core/records.ts'
import { authorizeBucket } from '@holdfast/engine/access/authorize-action.ts'
import { aclJson, aclOf } from '@holdfast/engine/access/bucket-acl.ts'
import { createBucket, requireMaker, updateBucket } from '@holdfast/engine/buckets/buckets.ts'
import { removeBucket } from '@holdfast/engine/buckets/remove-bucket.ts'
import { grantsToOthers } from '@holdfast/engine/objects/object-facets.ts'
import type { Verified } from '../auth/verify.ts'
import { bucketOf } from '../documents/bucket-document.ts'
import { invalidArgument, S3Error } from '../errors.ts'
import { type Answer, emptyAnswer, xmlAnswer } from '../requests/answer.ts'
import { bucketPlace } from '../requests/place.ts'
import { notImplemented } from '../requests/route.ts'
import { aclOfHeaders } from '../wire/acl-headers.ts'
import { bucketTagsMax, tagsIn } from '../wire/tags.ts'
import { childOf, malformed, readXml, textOf, type XmlElement } from '../xml/read.ts'
import { writeXml } from '../xml/write.ts'
import { taggingJson } from './tagging.ts'

const BODY_BYTES_MAX = 64 * 1024
/** Told by silence, too. */
const FIRST = 'us-east-1'
const OWNERSHIPS = ['BucketOwnerPreferred', 'ObjectWriter', 'BucketOwnerEnforced']

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html */
export async function createBucketHere(verified: Verified): Promise<Answer> {
  const { engine, call, bucket } = bucketPlace(verified)
  // Headers of access lists tell whether somebody is known.
  requireMaker(call, bucket)
  const locked = lockWanted(verified)
  const documents = await firstDocuments(verified, locked)
  const bytes = await verified.body.read(BODY_BYTES_MAX)
  const root = bytes.length === 0 ? undefined : readXml(bytes, 'CreateBucketConfiguration')
  if (root !== undefined) requireHere(verified, root)
  const tagging = root === undefined ? undefined : firstTags(root)
  const first = { ...documents, ...(tagging === undefined ? {} : { tagging }) }
  try {
    await createBucket(engine, call, {
      name: bucket,
      settings: { versioning: locked ? 'enabled' : 'disabled' },
      documents: first,
    })
  } catch (error) {
    if (!isOwnAgain(verified, error, root)) throw error
    const found = await engine.catalog.view.buckets.byName(bucket)
    if (found === undefined || !wasMadeSo(found, first)) throw error
  }
  return emptyAnswer(200, { location: `/${bucket}`, ...arnHeader(bucket) })
}

/** Of every bucket, whatever the documents say of directory buckets. */
function arnHeader(bucket: string): Record<string, string> {
  return { 'x-amz-bucket-arn': `arn:aws:s3:::${bucket}` }
}

/**
 * In the first region of S3 who owns a bucket may create it again, which does nothing
 * (https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html#API_CreateBucket_Errors).
 */
function isOwnAgain({ request }: Verified, error: unknown, root: XmlElement | undefined): boolean {
  if (!isHoldfastError(error) || error.code !== 'BUCKET_EXISTS') return false
  const wanted = (root && textOf(root, 'LocationConstraint')) ?? ''
  const isHere = request.context.settings.s3Region === FIRST && (wanted === '' || wanted === FIRST)
  return isHere && error.details.owned !== false
}

/** AWS would set the access list anew, and ignore all else. */
function wasMadeSo({ documents = {} }: Bucket, { acl, ...others }: BucketDocuments): boolean {
  if (Object.keys(others).length > 0) return false
  const [kept, wanted] = [documents.acl, acl].map(document => {
    const list = aclOf(document)
    return list !== undefined && grantsToOthers(list) ? JSON.stringify(list.grants) : ''
  })
  return kept === wanted
}

function lockWanted({ request }: Verified): boolean {
  const header = request.headers.get('x-amz-bucket-object-lock-enabled')
  if (header === undefined) return false
  if (!/^(true|false)$/i.test(header)) {
    throw invalidArgument('x-amz-bucket-object-lock-enabled', header, 'It must be true or false.')
  }
  return header.toLowerCase() === 'true'
}

async function firstDocuments(verified: Verified, locked: boolean): Promise<BucketDocuments> {
  const acl = await aclOfHeaders(verified)
  const ownership = verified.request.headers.get('x-amz-object-ownership')
  if (ownership !== undefined && !OWNERSHIPS.includes(ownership)) {
    const message = `Invalid x-amz-object-ownership header: ${ownership.slice(0, 64)}`
    throw invalidArgument('x-amz-object-ownership', ownership, message)
  }
  if (ownership === 'BucketOwnerEnforced' && acl !== undefined && grantsToOthers(acl)) {
    throw new S3Error('InvalidBucketAclWithObjectOwnership')
  }
  return {
    // A private list is what a bucket has without one; kept, it would ask for the right to set one.
    ...(acl === undefined || !grantsToOthers(acl) ? {} : { acl: aclJson(acl) }),
    ...(ownership === undefined ? {} : { ownership: { rule: ownership } }),
    ...(locked ? { objectLock: { enabled: true } } : {}),
  }
}

function firstTags(root: XmlElement): JsonObject | undefined {
  const set = childOf(root, 'Tags')
  return set === undefined ? undefined : taggingJson(tagsIn(set, bucketTagsMax))
}

/** There is one region, and buckets can lie nowhere else; nor are there directory buckets. */
function requireHere({ request }: Verified, root: XmlElement): void {
  const foreign = ['Location', 'Bucket'].find(name => childOf(root, name) !== undefined)
  if (foreign !== undefined) throw notImplemented(foreign)
  const { s3Region, s3AnyRegion } = request.context.settings
  const wanted = textOf(root, 'LocationConstraint')
  if (s3AnyRegion || wanted === undefined || wanted === '') return
  // `EU` is how the region of Ireland was called first.
  if ((wanted === 'EU' ? 'eu-west-1' : wanted) === s3Region) return
  throw new S3Error('InvalidLocationConstraint', { LocationConstraint: wanted.slice(0, 64) })
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadBucket.html */
export async function headBucket(verified: Verified): Promise<Answer> {
  const { name } = await bucketOf(verified, 's3:ListBucket')
  const region = verified.request.context.settings.s3Region
  return emptyAnswer(200, {
    'x-amz-bucket-region': region,
    'x-amz-access-point-alias': 'false',
    ...arnHeader(name),
    'content-type': 'application/xml',
  })
}

export async function deleteBucket(verified: Verified): Promise<Answer> {
  const { engine, call, bucket } = bucketPlace(verified)
  const { settings } = await authorizeBucket(engine, call, { bucket, action: 's3:DeleteBucket' })
  try {
    await removeBucket(engine, call, bucket, { trash: 'remove' })
  } catch (error) {
    const versioned = settings.versioning !== 'disabled'
    if (!versioned || !isHoldfastError(error) || error.code !== 'BUCKET_NOT_EMPTY') throw error
    const message =
      'The bucket you tried to delete is not empty. You must delete all versions in the bucket.'
    throw new S3Error('BucketNotEmpty', { message }, { cause: error })
  }
  return emptyAnswer(204)
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketLocation.html */
export async function getLocation(verified: Verified): Promise<Answer> {
  await bucketOf(verified, 's3:GetBucketLocation')
  const region = verified.request.context.settings.s3Region
  // The first region of S3 is told by silence.
  return xmlAnswer(writeXml('LocationConstraint', region === FIRST ? '' : region))
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketVersioning.html */
export async function getVersioning(verified: Verified): Promise<Answer> {
  const { settings } = await bucketOf(verified, 's3:GetBucketVersioning')
  const status = { enabled: 'Enabled', suspended: 'Suspended', disabled: undefined }
  return xmlAnswer(writeXml('VersioningConfiguration', [['Status', status[settings.versioning]]]))
}

export async function putVersioning(verified: Verified): Promise<Answer> {
  const { engine, call, bucket } = bucketPlace(verified)
  await bucketOf(verified, 's3:PutBucketVersioning')
  const root = readXml(await verified.body.read(BODY_BYTES_MAX), 'VersioningConfiguration')
  const status = textOf(root, 'Status')
  if (status === undefined) throw new S3Error('IllegalVersioningConfigurationException')
  if (status !== 'Enabled' && status !== 'Suspended') throw malformed()
  const mfa = childOf(root, 'MfaDelete')?.text
  if (mfa !== undefined && mfa !== 'Disabled') {
    if (mfa !== 'Enabled') throw malformed()
    throw new S3Error('NotImplemented', { message: 'MFA delete is not supported.' })
  }
  await updateBucket(engine, call, bucket, {
    versioning: status === 'Enabled' ? 'enabled' : 'suspended',
  })
  return emptyAnswer(200)
}

/** Always the same: nobody pays but who runs the server. */
export async function getRequestPayment(verified: Verified): Promise<Answer> {
  await bucketOf(verified, 's3:GetBucketRequestPayment')
  return xmlAnswer(writeXml('RequestPaymentConfiguration', [['Payer', 'BucketOwner']]))
}

export async function putRequestPayment(verified: Verified): Promise<Answer> {
  await bucketOf(verified, 's3:PutBucketRequestPayment')
  const root = readXml(await verified.body.read(BODY_BYTES_MAX), 'RequestPaymentConfiguration')
  // Nothing is kept that would ask again, and yet it must not look as if it had been.
  await bucketOf(verified, 's3:PutBucketRequestPayment')
  const payer = textOf(root, 'Payer')
  if (payer === 'BucketOwner') return emptyAnswer(200)
  if (payer !== 'Requester') throw malformed()
  throw new S3Error('NotImplemented', { message: 'Requester pays is not supported.' })
}

export async function getAccelerate(verified: Verified): Promise<Answer> {
  await bucketOf(verified, 's3:GetAccelerateConfiguration')
  return xmlAnswer(writeXml('AccelerateConfiguration', []))
}
