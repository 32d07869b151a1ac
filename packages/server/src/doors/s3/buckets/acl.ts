import { aclJson, shownAcl } from '@holdfast/engine/access/bucket-acl.ts'
import type { Verified } from '../auth/verify.ts'
import { bucketOf, keepDocument } from '../documents/bucket-document.ts'
import { wantedAcl } from '../objects/acl.ts'
import { type Answer, emptyAnswer, xmlAnswer } from '../requests/answer.ts'
import { writeAcl } from '../wire/acl-xml.ts'

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketAcl.html */
export async function getBucketAcl(verified: Verified): Promise<Answer> {
  return xmlAnswer(writeAcl(shownAcl(await bucketOf(verified, 's3:GetBucketAcl'))))
}

export async function putBucketAcl(verified: Verified): Promise<Answer> {
  const bucket = await bucketOf(verified, 's3:PutBucketAcl')
  const acl = await wantedAcl(verified, shownAcl(bucket).owner)
  await keepDocument(verified, 'acl', aclJson(acl))
  return emptyAnswer(200)
}
