import { createHash } from 'node:crypto'
import type { Bucket, JsonObject } from '@holdfast/core/records.ts'
import { aclOf } from '@holdfast/engine/access/bucket-acl.ts'
import { grantsToOthers } from '@holdfast/engine/objects/object-facets.ts'
import { invalidArgument, S3Error } from '../errors.ts'
import { malformed } from '../xml/read.ts'
import type { BucketDocument } from './bucket-document.ts'
import { object, objects } from './kept-objects.ts'
import { checkFilter } from './lifecycle-filter.ts'
import { checkLogging, requireTarget } from './logging.ts'
import { checkNotification, withNotificationIds } from './notification.ts'
import {
  corsShape,
  encryptionShape,
  lifecycleShape,
  loggingShape,
  notificationShape,
  ownershipShape,
  websiteShape,
} from './shapes.ts'
import { checkWebsite } from './website.ts'

export const cors: BucketDocument = {
  name: 'cors',
  root: 'CORSConfiguration',
  shape: corsShape,
  read: 's3:GetBucketCORS',
  write: 's3:PutBucketCORS',
  missing: 'NoSuchCORSConfiguration',
  check: checkCors,
}

export const lifecycle: BucketDocument = {
  name: 'lifecycle',
  root: 'LifecycleConfiguration',
  shape: lifecycleShape,
  read: 's3:GetLifecycleConfiguration',
  write: 's3:PutLifecycleConfiguration',
  missing: 'NoSuchLifecycleConfiguration',
  check: checkLifecycle,
  kept: withIds,
  header: {
    name: 'x-amz-transition-default-minimum-object-size',
    field: 'TransitionDefaultMinimumObjectSize',
    words: ['all_storage_classes_128K', 'varies_by_storage_class'],
  },
}

export const encryption: BucketDocument = {
  name: 'encryption',
  root: 'ServerSideEncryptionConfiguration',
  shape: encryptionShape,
  read: 's3:GetEncryptionConfiguration',
  write: 's3:PutEncryptionConfiguration',
  missing: 'ServerSideEncryptionConfigurationNotFoundError',
  check: checkEncryption,
}

export const notification: BucketDocument = {
  name: 'notification',
  root: 'NotificationConfiguration',
  shape: notificationShape,
  read: 's3:GetBucketNotification',
  write: 's3:PutBucketNotification',
  check: checkNotification,
  kept: withNotificationIds,
}

export const logging: BucketDocument = {
  name: 'logging',
  root: 'BucketLoggingStatus',
  shape: loggingShape,
  read: 's3:GetBucketLogging',
  write: 's3:PutBucketLogging',
  check: checkLogging,
  requires: requireTarget,
}

export const website: BucketDocument = {
  name: 'website',
  root: 'WebsiteConfiguration',
  shape: websiteShape,
  read: 's3:GetBucketWebsite',
  write: 's3:PutBucketWebsite',
  missing: 'NoSuchWebsiteConfiguration',
  bytesMax: 128 * 1024,
  check: checkWebsite,
}

/** What the engine reads is kept in its own words. */
export const ownership: BucketDocument = {
  name: 'ownership',
  root: 'OwnershipControls',
  shape: ownershipShape,
  read: 's3:GetBucketOwnershipControls',
  write: 's3:PutBucketOwnershipControls',
  missing: 'OwnershipControlsNotFoundError',
  check: checkOwnership,
  kept: document => ({ rule: objects(document.Rule)[0]?.ObjectOwnership ?? null }),
  shown: ({ rule = null }) => ({ Rule: [{ ObjectOwnership: rule }] }),
}

/**
 * Lists that grant something must be taken back first, else whoever lives by them would be cut off
 * unasked (https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-ownership-error-responses.html).
 */
function checkOwnership(document: JsonObject, { documents }: Bucket): void {
  const acl = aclOf(documents?.acl)
  if (objects(document.Rule)[0]?.ObjectOwnership !== 'BucketOwnerEnforced') return
  if (acl !== undefined && grantsToOthers(acl)) {
    throw new S3Error('InvalidBucketAclWithObjectOwnership')
  }
}

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-rules.html */
function checkLifecycle(document: JsonObject): void {
  const rules = objects(document.Rule)
  const ids = rules.flatMap(rule => (typeof rule.ID === 'string' ? [rule.ID] : []))
  if (ids.some(id => id.length > 255)) {
    throw new S3Error('InvalidArgument', {
      message: 'ID length should not exceed allowed limit of 255',
    })
  }
  if (new Set(ids).size !== ids.length) {
    throw new S3Error('InvalidArgument', { message: 'Rule ID must be unique.' })
  }
  for (const rule of rules) checkRule(rule)
}

/** A rule without a name gets one: clients tell their rules apart by it. */
function withIds(document: JsonObject): JsonObject {
  const rules = objects(document.Rule).map((rule, at) => {
    if (typeof rule.ID === 'string' && rule.ID !== '') return rule
    const digest = createHash('sha256').update(JSON.stringify([at, rule]))
    return { ...rule, ID: digest.digest('base64url') }
  })
  return { ...document, Rule: rules }
}

const METHODS = ['GET', 'PUT', 'HEAD', 'POST', 'DELETE']
const CORS_RULES_MAX = 100
/** Of all rules: a preflight, which anybody may ask, holds each against each of its names. */
const CORS_WILD_HEADERS_MAX = 500

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/ManageCorsUsing.html */
function checkCors(document: JsonObject): void {
  const rules = objects(document.CORSRule)
  if (rules.length > CORS_RULES_MAX) {
    throw refusedCors(
      `The number of CORS rules should not exceed allowed limit of ${CORS_RULES_MAX} rules.`,
    )
  }
  const wildHeaders = rules.flatMap(rule => texts(rule.AllowedHeader)).filter(isWild)
  if (wildHeaders.length > CORS_WILD_HEADERS_MAX) {
    throw refusedCors(
      'The number of AllowedHeader with a wildcard should not exceed allowed limit of ' +
        `${CORS_WILD_HEADERS_MAX}.`,
    )
  }
  for (const rule of rules) {
    const method = texts(rule.AllowedMethod).find(one => !METHODS.includes(one))
    if (method !== undefined) {
      throw refusedCors(
        `Found unsupported HTTP method in CORS config. Unsupported method is ${method}`,
      )
    }
    for (const name of ['AllowedOrigin', 'AllowedHeader']) {
      const wild = texts(rule[name]).find(one => one.split('*').length > 2)
      if (wild === undefined) continue
      throw refusedCors(`${name} "${wild}" can not have more than one wildcard.`)
    }
    const unsent = [...texts(rule.AllowedHeader), ...texts(rule.ExposeHeader)].find(isNoHeaderName)
    if (unsent !== undefined) {
      // Of exposed ones, too, as versitygw's tests have it of AWS.
      throw refusedCors(`AllowedHeader "${unsent}" contains invalid character.`)
    }
    const exposed = texts(rule.ExposeHeader).find(isWild)
    if (exposed === undefined) continue
    throw refusedCors(
      `ExposeHeader "${exposed}" contains wildcard. ` +
        'We currently do not support wildcard for ExposeHeader.',
    )
  }
}

function isWild(name: string): boolean {
  return name.includes('*')
}

/** Beside wildcards, a token of RFC 9110 §5.6.2. */
function isNoHeaderName(name: string): boolean {
  return !/^[\w!#$%&'*+.^`|~-]*$/.test(name)
}

function refusedCors(message: string): S3Error {
  return new S3Error('InvalidRequest', { message: message.slice(0, 500) })
}

function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.filter(one => typeof one === 'string') : []
}

const ACTIONS = [
  'Transition',
  'Expiration',
  'NoncurrentVersionTransition',
  'NoncurrentVersionExpiration',
  'AbortIncompleteMultipartUpload',
]

function checkRule(rule: JsonObject): void {
  if (!ACTIONS.some(action => rule[action] !== undefined)) {
    throw new S3Error('InvalidRequest', {
      message: 'At least one action needs to be specified in a rule',
    })
  }
  requirePositive(rule)
  if ((rule.Prefix === undefined) === (rule.Filter === undefined)) throw malformed()
  const filter = object(rule.Filter)
  if (Object.keys(filter).length > 1) throw malformed()
  const tags = objects(object(filter.And).Tag).map(({ Key: key }) => key)
  if (new Set(tags).size !== tags.length) {
    throw new S3Error('InvalidRequest', { message: 'Duplicate Tag Keys are not allowed.' })
  }
  checkFilter(rule)
  const older = [rule.NoncurrentVersionExpiration ?? []].flat()
  for (const part of objects([...older, ...objects(rule.NoncurrentVersionTransition)])) {
    if (part.NoncurrentDays === undefined) throw malformed()
  }
  const expiration = rule.Expiration === undefined ? [] : [object(rule.Expiration)]
  for (const part of [...expiration, ...objects(rule.Transition)]) {
    const given = ['Days', 'Date', 'ExpiredObjectDeleteMarker'].filter(
      name => part[name] !== undefined,
    )
    if (given.length !== 1) throw malformed()
    if (
      typeof part.Date === 'string' &&
      !/^[\d-]+(T00:00:00(\.0+)?(Z|[+-]00:00)?)?$/.test(part.Date)
    ) {
      throw invalidArgument('Date', part.Date, "'Date' must be at midnight GMT")
    }
  }
  if (rule.Expiration !== undefined && rule.Transition !== undefined) {
    const [end] = expiration
    const late = objects(rule.Transition).some(
      ({ Days: days }) =>
        typeof days === 'number' && typeof end?.Days === 'number' && days >= end.Days,
    )
    if (late) {
      throw new S3Error('InvalidArgument', {
        message:
          "'Days' in the Expiration action must be greater than 'Days' in the Transition action",
      })
    }
  }
}

function requirePositive(rule: JsonObject): void {
  for (const action of ACTIONS) {
    // What is as new as can be may go to another class of storage, but not away.
    const least = /Transition$/.test(action) ? 0 : 1
    for (const part of objects([rule[action] ?? []].flat())) {
      for (const [name, value] of Object.entries(part)) {
        if (!/Days/.test(name) || typeof value !== 'number' || value >= least) continue
        const message = `'${name}' for ${action} action must be a positive integer`
        throw new S3Error('InvalidArgument', { message })
      }
    }
  }
}

function checkEncryption(document: JsonObject): void {
  const [rule] = objects(document.Rule)
  const standard = object(rule?.ApplyServerSideEncryptionByDefault)
  const { SSEAlgorithm: algorithm, KMSMasterKeyID: key } = standard
  if (key !== undefined && algorithm === 'AES256') {
    throw new S3Error('InvalidArgument', {
      message:
        'a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or ' +
        'aws:kms:dsse',
      ArgumentName: 'ApplyServerSideEncryptionByDefault',
    })
  }
  if (algorithm === undefined || algorithm === 'AES256') return
  if (algorithm === 'aws:kms' || algorithm === 'aws:kms:dsse') {
    throw new S3Error('NotImplemented', { message: 'Keys of KMS are not supported.' })
  }
  throw new S3Error('InvalidEncryptionAlgorithmError')
}
