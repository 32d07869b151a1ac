import type { Grant, ObjectAcl } from '@holdfast/core/objects.ts'
import type { Bucket, JsonObject } from '@holdfast/core/records.ts'
import { aclOf } from '@holdfast/engine/access/bucket-rules.ts'
import type { Verified } from '../auth/verify.ts'
import { bucketOf, keepDocument } from '../documents/bucket-document.ts'
import { privateAcl, wantedAcl } from '../objects/acl.ts'
import { type Answer, emptyAnswer, xmlAnswer } from '../requests/answer.ts'
import { writeAcl } from '../wire/acl-xml.ts'

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketAcl.html */
export async function getBucketAcl(verified: Verified): Promise<Answer> {
  return xmlAnswer(writeAcl(listOf(await bucketOf(verified, 's3:GetBucketAcl'))))
}

export async function putBucketAcl(verified: Verified): Promise<Answer> {
  const bucket = await bucketOf(verified, 's3:PutBucketAcl')
  const acl = await wantedAcl(verified, listOf(bucket).owner)
  await keepDocument(verified, 'acl', aclJson(acl))
  return emptyAnswer(200)
}

export function aclJson({ owner, grants }: ObjectAcl): JsonObject {
  return { owner, grants: grants.map(grantJson) }
}

function grantJson({ permission, grantee }: Grant) {
  return { permission, grantee: typeof grantee === 'string' ? grantee : { id: grantee.id } }
}

function listOf(bucket: Bucket): ObjectAcl {
  return aclOf(bucket.documents?.acl) ?? privateAcl(bucket.createdBy)
}
