import type { Principal, RequestFacts } from '@holdfast/core/principal.ts'
import { plainAddress } from '@holdfast/core/rates/address-key.ts'
import { utcTime } from '@holdfast/core/utc-time.ts'
import { familyOf, inNetworks, networkOf } from './networks.ts'
import type { Condition, Statement } from './statement.ts'
import { mayFitUser, userArn } from './user-arn.ts'
import { isLike, isTooWild } from './wildcards.ts'

/**
 * Conditions of policy statements
 * (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html).
 */
/** What is asked is read once, for a condition may have thousands of values. */
type Test = (actual: string) => (wanted: string) => boolean

const POSITIVE: Readonly<Record<string, Test>> = {
  stringequals: actual => wanted => actual === wanted,
  stringequalsignorecase: sameLetters,
  stringlike: isLikeAny,
  numericequals: numbers((actual, wanted) => actual === wanted),
  numericlessthan: numbers((actual, wanted) => actual < wanted),
  numericlessthanequals: numbers((actual, wanted) => actual <= wanted),
  numericgreaterthan: numbers((actual, wanted) => actual > wanted),
  numericgreaterthanequals: numbers((actual, wanted) => actual >= wanted),
  dateequals: times((actual, wanted) => actual === wanted),
  datelessthan: times((actual, wanted) => actual < wanted),
  datelessthanequals: times((actual, wanted) => actual <= wanted),
  dategreaterthan: times((actual, wanted) => actual > wanted),
  dategreaterthanequals: times((actual, wanted) => actual >= wanted),
  bool: sameLetters,
  ipaddress: inNetworks,
  arnequals: isLikeAny,
  arnlike: isLikeAny,
}

/**
 * Headers may have tens of thousands of characters, and policies thousands of patterns to look for
 * in them: what is longer is not judged.
 */
const FACT_CHARS_MAX = 2048

function isLikeAny(actual: string) {
  return (wanted: string) => isLike(actual, wanted)
}

function sameLetters(actual: string) {
  const lower = actual.toLowerCase()
  return (wanted: string) => lower === wanted.toLowerCase()
}

type Comparison = (actual: number, wanted: number) => boolean

function numbers(isMet: Comparison): Test {
  return actual => {
    const number = numberOf(actual)
    return wanted => isMet(number, numberOf(wanted))
  }
}

function times(isMet: Comparison): Test {
  return actual => {
    const time = utcTime(actual)
    return wanted => isMet(time, timeOf(wanted))
  }
}

/** What is empty is no number; to JavaScript it is zero, which is less than any limit. */
function numberOf(text: string): number {
  return text.trim() === '' ? Number.NaN : Number(text)
}

/** Of ISO 8601, or in seconds since 1970. */
function timeOf(text: string): number {
  return /^\d{5,11}$/.test(text) ? Number(text) * 1000 : utcTime(text)
}

const NEGATIVE: Readonly<Record<string, string>> = {
  stringnotequals: 'stringequals',
  stringnotequalsignorecase: 'stringequalsignorecase',
  stringnotlike: 'stringlike',
  numericnotequals: 'numericequals',
  datenotequals: 'dateequals',
  notipaddress: 'ipaddress',
  arnnotequals: 'arnequals',
  arnnotlike: 'arnlike',
}

interface Operator {
  readonly test: Test
  readonly negative: boolean
  readonly ifExists: boolean
}

export function isOperator(name: string): boolean {
  return name.toLowerCase() === 'null' || operatorOf(name) !== undefined
}

/** Whether a `*` in its values stands for any characters. */
export function readsStars(name: string): boolean {
  return operatorOf(name)?.test === isLikeAny
}

function operatorOf(name: string): Operator | undefined {
  const lower = name.toLowerCase()
  const ifExists = lower.endsWith('ifexists')
  const bare = ifExists ? lower.slice(0, -'ifexists'.length) : lower
  const positive = own(NEGATIVE, bare)
  const test = own(POSITIVE, positive ?? bare)
  return test === undefined ? undefined : { test, negative: positive !== undefined, ifExists }
}

const KEYS = new Set([
  'aws:currenttime',
  'aws:principalarn',
  'aws:referer',
  'aws:securetransport',
  'aws:sourceaccount',
  'aws:sourcearn',
  'aws:sourceip',
  'aws:useragent',
  'aws:userid',
  'aws:username',
  's3:authtype',
  's3:delimiter',
  's3:if-match',
  's3:if-none-match',
  's3:max-keys',
  's3:object-lock-legal-hold',
  's3:object-lock-mode',
  's3:object-lock-remaining-retention-days',
  's3:prefix',
  's3:signatureage',
  's3:signatureversion',
  's3:versionid',
  's3:x-amz-acl',
  's3:x-amz-content-sha256',
  's3:x-amz-copy-source',
  's3:x-amz-grant-full-control',
  's3:x-amz-grant-read',
  's3:x-amz-grant-read-acp',
  's3:x-amz-grant-write',
  's3:x-amz-grant-write-acp',
  's3:x-amz-metadata-directive',
  's3:x-amz-server-side-encryption',
  's3:x-amz-storage-class',
])

/** Keys that only a service of AWS says something in: a denial of others by it denies nobody. */
const OF_SERVICES = /^aws:source(?:account|arn)$/i

export function isOfServices({ key }: Condition): boolean {
  return OF_SERVICES.test(key)
}

export function conditionKeyProblem(key: string): string | undefined {
  const lower = key.toLowerCase()
  if (KEYS.has(lower)) return undefined
  if (/^s3:(?:existingobjecttag|requestobjecttag)\/./.test(lower)) return undefined
  return `the condition key ${key}`
}

/**
 * Why a value can never be met, or undefined: a denial by a date that is none would deny nothing.
 * Variables, such as `${aws:username}`, would be taken for the characters that they are written in.
 */
export function conditionValueProblem(
  operator: string,
  key: string,
  value: string,
): string | undefined {
  const problem = `the value ${value} of ${operator}`
  if (hasVariable(value) || isTooWild(value)) return problem
  const lower = operator.toLowerCase().replace(/ifexists$/, '')
  const positive = own(NEGATIVE, lower) ?? lower
  if (positive.startsWith('numeric') && Number.isNaN(numberOf(value))) return problem
  if (positive.startsWith('date') && Number.isNaN(timeOf(value))) return problem
  if (positive === 'ipaddress' && networkOf(value) === undefined) return problem
  const isTruth = /^(true|false)$/i.test(value)
  if (positive === 'null') return isTruth ? undefined : problem
  if (positive === 'bool' && !isTruth) return problem
  return mayBeOf(key.toLowerCase(), positive, value) ? undefined : problem
}

/** Operators of other kinds than text that what the key says can be judged by. */
const KINDS: Readonly<Record<string, RegExp>> = {
  'aws:currenttime': /^date/,
  'aws:principalarn': /^arn/,
  'aws:securetransport': /^bool$/,
  'aws:sourceip': /^ipaddress$/,
  'aws:userid': /^$/,
  'aws:username': /^$/,
  's3:signatureage': /^numeric/,
}

/** All that the key ever says. */
const SAID: Readonly<Record<string, readonly string[]>> = {
  'aws:securetransport': ['true', 'false'],
  's3:authtype': ['REST-HEADER', 'REST-QUERY-STRING', 'POST'],
  's3:object-lock-legal-hold': ['ON', 'OFF'],
  's3:object-lock-mode': ['GOVERNANCE', 'COMPLIANCE'],
  's3:signatureversion': ['AWS', 'AWS4-HMAC-SHA256'],
  's3:x-amz-acl': [
    ...['private', 'public-read', 'public-read-write', 'authenticated-read', 'aws-exec-read'],
    ...['bucket-owner-read', 'bucket-owner-full-control', 'log-delivery-write'],
  ],
  's3:x-amz-metadata-directive': ['COPY', 'REPLACE'],
  // All of AWS, also those that are refused here: a denial of them is no slip.
  's3:x-amz-server-side-encryption': ['AES256', 'aws:kms', 'aws:kms:dsse', 'aws:fsx'],
  's3:x-amz-storage-class': [
    ...['STANDARD', 'REDUCED_REDUNDANCY', 'STANDARD_IA', 'ONEZONE_IA', 'INTELLIGENT_TIERING'],
    ...['GLACIER', 'GLACIER_IR', 'DEEP_ARCHIVE', 'OUTPOSTS', 'SNOW', 'EXPRESS_ONEZONE'],
    'FSX_OPENZFS',
  ],
}

/** Whether the key may ever say what the operator finds equal to the value. */
function mayBeOf(key: string, operator: string, value: string): boolean {
  const test = own(POSITIVE, operator)
  const kind = own(KINDS, key)
  const isText = operator.startsWith('string')
  if (test === undefined || (kind !== undefined && !isText && !kind.test(operator))) return false
  const said = own(SAID, key)
  if (said !== undefined) return said.some(actual => test(actual)(value))
  const isPattern = operator === 'stringlike' || operator.startsWith('arn')
  if (key === 'aws:principalarn') {
    if (!isPattern && /[*?]/.test(value)) return false
    return mayFitUser(operator === 'stringequalsignorecase' ? value.toLowerCase() : value)
  }
  if (!isText || isPattern) return true
  // As the facts spell them: a network, or a time to the second, is never told.
  if (key === 'aws:sourceip') return plainAddress(value) === value && familyOf(value) !== undefined
  return key !== 'aws:currenttime' || /^\d{4}-\d\d-\d\dT[\d:]{8}\.\d{3}Z$/i.test(value)
}

export function hasVariable(text: string): boolean {
  return text.includes('$' + '{')
}

/** What a request tells. Undefined: the door does not say; null: it is not there. */
export interface Facts {
  readonly principal: Principal
  readonly objectTags?: Readonly<Record<string, string>> | undefined
  /** Of the object in question: a source of a copy or an entry of a batch has its own. */
  readonly versionId?: string | undefined
}

/** Whether the condition holds; undefined when the facts to judge it are not known. */
export function holds(
  condition: Condition,
  facts: Facts,
  effect: Statement['effect'],
): boolean | undefined {
  const { operator, key } = condition
  const actual = factOf(key, facts)
  if (actual === undefined) return undefined
  if (operator.toLowerCase() === 'null')
    return condition.values.some(v => (v.toLowerCase() === 'true') === (actual === null))
  const how = operatorOf(operator)
  if (how === undefined) return undefined
  // A key that is absent fails a positive test and passes a negative one.
  if (actual === null) return how.ifExists || how.negative
  if (actual.length > FACT_CHARS_MAX) return undefined
  // To be the one that is meant counts against the caller: as with `Principal`, by any name.
  const isShutOut = (effect === 'Deny') !== how.negative && isNameKey(key)
  const names = isShutOut ? otherNames(key, facts) : []
  return isMet(condition, how, { actual, names }) !== how.negative
}

function isNameKey(key: string): boolean {
  return /^aws:(?:userid|username|principalarn)$/i.test(key)
}

/** Beside the one that the key says: those that others may bear, too. */
function otherNames(key: string, { principal: { id, name } }: Facts): readonly string[] {
  if (/^aws:userid$/i.test(key)) return [id]
  return /^aws:username$/i.test(key) ? [id, name] : [userArn(id), userArn(name)]
}

/** What each condition was asked last: a request that is about many keys asks the same of each. */
const judged = new WeakMap<Condition, { readonly actual: string; readonly met: boolean }>()

interface Told {
  readonly actual: string
  /** Names of who is shut out by any of them, in any case of letters; the first is an id. */
  readonly names: readonly string[]
}

function isMet(condition: Condition, { test }: Operator, { actual, names }: Told): boolean {
  const last = judged.get(condition)
  const asked = names.length === 0 ? actual : JSON.stringify([actual, ...names])
  if (last?.actual === asked) return last.met
  const [id, name = actual] = names.map(one => one.toLowerCase())
  const isAsked = test(actual)
  const spelt = id === undefined ? [] : [actual.toLowerCase(), name].map(test)
  const met = condition.values.some(wanted => {
    if (isAsked(wanted)) return true
    if (id === undefined) return false
    const lower = wanted.toLowerCase()
    // An id is random: a pattern of names is not about it.
    return lower === id || spelt.some(is => is(lower))
  })
  judged.set(condition, { actual: asked, met })
  return met
}

function factOf(key: string, facts: Facts): string | null | undefined {
  const { principal, objectTags, versionId } = facts
  const lower = key.toLowerCase()
  const { id, ownName } = principal
  if (lower === 'aws:userid') return id
  // Nobody's name and ARN: a pattern of all users must not mean who shows no credential.
  const name = principal.kind === 'anonymous' ? null : (ownName ?? id)
  if (lower === 'aws:username') return name
  if (lower === 'aws:principalarn') return name && userArn(name)
  if (lower.startsWith('s3:existingobjecttag/')) {
    if (objectTags === undefined) return undefined
    return own(objectTags, key.slice('s3:ExistingObjectTag/'.length)) ?? null
  }
  if (lower === 's3:versionid' && versionId !== undefined) return versionId
  const { request } = principal
  if (request === undefined) return undefined
  switch (lower) {
    case 'aws:currenttime':
      return request.at
    case 'aws:sourceip':
      return request.sourceIp
    case 'aws:securetransport':
      return String(request.secure)
    case 'aws:useragent':
      return request.userAgent
    case 'aws:referer':
      return request.referer
    default:
      return toldBy(request.keys).get(keyName(key)) ?? null
  }
}

type Keys = RequestFacts['keys']

/** A policy may ask one request for hundreds. */
const toldKeys = new WeakMap<Keys, ReadonlyMap<string, string>>()

function toldBy(keys: Keys): ReadonlyMap<string, string> {
  const known = toldKeys.get(keys)
  if (known !== undefined) return known
  const told = new Map(Object.entries(keys).map(([key, value]) => [keyName(key), value]))
  toldKeys.set(keys, told)
  return told
}

/** Names of tags keep their case, everything else does not. */
function keyName(key: string): string {
  const [head = ''] = key.split('/', 1)
  return head.toLowerCase() + key.slice(head.length)
}

function own<T>(record: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined
}
