import type { JsonObject } from '@holdfast/core/records.ts'
import { aclOf } from '@holdfast/engine/access/bucket-acl.ts'
import {
  AS_WRITTEN,
  isPublicPolicy,
  statementsOf,
} from '@holdfast/engine/access/policy/policy-document.ts'
import type { Verified } from '../auth/verify.ts'
import { S3Error } from '../errors.ts'
import { type Answer, emptyAnswer, xmlAnswer } from '../requests/answer.ts'
import { plainJson } from '../wire/plain-json.ts'
import { writeXml } from '../xml/write.ts'
import { bucketOf, keepDocument } from './bucket-document.ts'
import { object } from './kept-objects.ts'

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-policies.html */
const POLICY_BYTES_MAX = 20 * 1024

export async function getPolicy(verified: Verified): Promise<Answer> {
  const bucket = await bucketOf(verified, 's3:GetBucketPolicy')
  const policy = bucket.documents?.policy
  if (policy === undefined) throw new S3Error('NoSuchBucketPolicy', { BucketName: bucket.name })
  const { [AS_WRITTEN]: text, ...said } = policy
  const body = typeof text === 'string' ? text : JSON.stringify(said)
  return { status: 200, text: { type: 'application/json', body } }
}

export async function putPolicy(verified: Verified): Promise<Answer> {
  await bucketOf(verified, 's3:PutBucketPolicy')
  const bytes = await verified.body.read(POLICY_BYTES_MAX)
  const text = bytes.toString()
  const policy = object(parsed(text))
  if (policy.Statement === undefined) {
    throw new S3Error('MalformedPolicy', { message: 'Missing required field Statement' })
  }
  if (policy[AS_WRITTEN] !== undefined) {
    throw new S3Error('MalformedPolicy', { message: `Unknown field ${AS_WRITTEN}` })
  }
  await keepDocument(verified, 'policy', withText(policy, text))
  return emptyAnswer(204)
}

/** Whoever set it compares what comes back, letter by letter. */
function withText(policy: JsonObject, text: string): JsonObject {
  return text === JSON.stringify(policy) ? policy : { ...policy, [AS_WRITTEN]: text }
}

function parsed(text: string): unknown {
  try {
    if (text.startsWith('{')) return plainJson(text)
  } catch {
    // Told below.
  }
  const message = "Policies must be valid JSON and the first byte must be '{'"
  throw new S3Error('MalformedPolicy', { message })
}

export async function deletePolicy(verified: Verified): Promise<Answer> {
  await bucketOf(verified, 's3:DeleteBucketPolicy')
  await keepDocument(verified, 'policy', null)
  return emptyAnswer(204)
}

export async function getPolicyStatus(verified: Verified): Promise<Answer> {
  const bucket = await bucketOf(verified, 's3:GetBucketPolicyStatus')
  const { policy, acl } = bucket.documents ?? {}
  const opens = policy !== undefined && isPublicPolicy(statementsOf(policy))
  const listed = aclOf(acl)?.grants.some(({ grantee }) => typeof grantee === 'string') === true
  return xmlAnswer(writeXml('PolicyStatus', [['IsPublic', opens || listed]]))
}
