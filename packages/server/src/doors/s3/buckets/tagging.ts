import type { ObjectTag } from '@holdfast/core/objects.ts'
import type { JsonObject } from '@holdfast/core/records.ts'
import type { Verified } from '../auth/verify.ts'
import { bucketOf, keepDocument } from '../documents/bucket-document.ts'
import { object, objects } from '../documents/kept-objects.ts'
import { S3Error } from '../errors.ts'
import { type Answer, emptyAnswer, xmlAnswer } from '../requests/answer.ts'
import { bucketTagsMax, readTagging, writeTagging } from '../wire/tags.ts'

const BODY_BYTES_MAX = 128 * 1024

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketTagging.html */
export async function getBucketTagging(verified: Verified): Promise<Answer> {
  const bucket = await bucketOf(verified, 's3:GetBucketTagging')
  const { tagging } = bucket.documents ?? {}
  if (tagging === undefined) throw new S3Error('NoSuchTagSet', { BucketName: bucket.name })
  const tags = objects(object(tagging).TagSet).map(tag => ({
    key: String(tag.Key),
    value: String(tag.Value),
  }))
  return xmlAnswer(writeTagging(tags))
}

export async function putBucketTagging(verified: Verified): Promise<Answer> {
  await bucketOf(verified, 's3:PutBucketTagging')
  const tags = readTagging(await verified.body.read(BODY_BYTES_MAX), bucketTagsMax)
  await keepDocument(verified, 'tagging', taggingJson(tags) ?? null)
  return emptyAnswer(204)
}

/** As it is kept; undefined for no tags. */
export function taggingJson(tags: readonly ObjectTag[]): JsonObject | undefined {
  if (tags.length === 0) return undefined
  return { TagSet: tags.map(({ key, value }) => ({ Key: key, Value: value })) }
}

export async function deleteBucketTagging(verified: Verified): Promise<Answer> {
  await bucketOf(verified, 's3:PutBucketTagging')
  await keepDocument(verified, 'tagging', null)
  return emptyAnswer(204)
}
