import { utcTime } from '@holdfast/core/utc-time.ts'
import { object, objects } from '../documents/kept-objects.ts'
import { S3Error } from '../errors.ts'
import { checksumNames, headerOfChecksum } from '../wire/checksums.ts'
import { plainJson } from '../wire/plain-json.ts'

/**
 * The policy of a form: until when it holds, and what each field must be
 * (https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTConstructPolicy.html).
 */
export interface PostPolicy {
  readonly expiresMs: number
  readonly conditions: readonly PostCondition[]
  readonly lengths: { readonly min: number; readonly max: number } | undefined
}

interface PostCondition {
  /** `never`: what AWS takes and nothing can meet. */
  readonly kind: 'eq' | 'starts-with' | 'never'
  /** In lower case. */
  readonly field: string
  readonly value: string
  /** As a refusal shows it. */
  readonly told: string
}

const CONDITIONS_MAX = 200
const KINDS = new Set(['eq', 'starts-with'])
/** Fields that no condition has to name: a checksum can only make a form fail. */
const FREE = new Set([
  'x-amz-signature',
  'awsaccesskeyid',
  'signature',
  'file',
  'policy',
  ...checksumNames.map(headerOfChecksum),
])

export function parsePolicy(base64: string): PostPolicy {
  const text = Buffer.from(base64, 'base64').toString()
  const document = object(json(text))
  const { expiration, conditions } = document
  if (typeof expiration !== 'string') throw invalid('Policy missing expiration.')
  const expiresMs = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}/.test(expiration)
    ? utcTime(expiration)
    : Number.NaN
  if (Number.isNaN(expiresMs)) throw invalid(`Invalid 'expiration' value: '${expiration}'`)
  if (conditions === undefined) throw invalid('Policy missing conditions.')
  if (!Array.isArray(conditions)) throw invalid("Invalid 'conditions' value: must be a List.")
  if (conditions.length > CONDITIONS_MAX) throw invalid('Policy has too many conditions.')
  let lengths: PostPolicy['lengths']
  const found: PostCondition[] = []
  for (const condition of conditions) {
    if (!Array.isArray(condition)) {
      found.push(...exact(condition))
      continue
    }
    const [kind, field, value] = condition
    if (kind === undefined) throw invalid('Invalid Condition: missing operation identifier.')
    if (typeof kind !== 'string') throw invalid('Invalid JSON.')
    if (!KINDS.has(kind.toLowerCase()) && !/^content-length-range$/i.test(kind)) {
      throw invalid(`Invalid Condition: unknown operation '${kind.slice(0, 64)}'.`)
    }
    // What stands after them would be signed and mean nothing.
    if (condition.length !== 3) throw invalid(`Invalid ${kind}: wrong number of arguments.`)
    if (neverHolds(kind, field, value)) {
      found.push({ kind: 'never', field: '', value: '', told: toldOf(condition, text) })
    } else if (kind.toLowerCase() === 'content-length-range') {
      // All conditions hold, so the narrowest of each end counts.
      const { min, max } = lengths ?? { min: 0, max: Number.MAX_SAFE_INTEGER }
      lengths = { min: Math.max(min, bytes(field)), max: Math.min(max, bytes(value)) }
    } else found.push({ ...listed(kind, field, value), told: toldOf(condition, text) })
  }
  return { expiresMs, conditions: found, lengths }
}

/** With the spaces that the policy has, as AWS shows it. */
function toldOf(condition: readonly unknown[], policy: string): string {
  const dense = JSON.stringify(condition)
  return policy.includes(dense) ? dense : spaced(condition)
}

function spaced(condition: readonly unknown[]): string {
  return `[${condition.map(part => JSON.stringify(part)).join(', ')}]`
}

function json(text: string): unknown {
  try {
    return plainJson(text)
  } catch {
    throw invalid('Invalid JSON.')
  }
}

/** `{"bucket": "photos"}`. */
function exact(condition: unknown): PostCondition[] {
  if (typeof condition !== 'object' || condition === null) {
    throw invalid('Invalid condition test: must be a List or Object.')
  }
  const [entries] = objects([condition])
  if (entries === undefined) throw invalid('Invalid condition.')
  const pairs = Object.entries(entries)
  if (pairs.length !== 1) {
    throw invalid(
      'Invalid Simple-Condition: Simple-Conditions must have exactly one property specified.',
    )
  }
  return pairs.map(([field, value]) => {
    if (typeof value !== 'string')
      throw invalid('Invalid Simple-Condition: value must be a string.')
    const told = spaced(['eq', `$${field}`, value])
    return { kind: 'eq', field: field.toLowerCase(), value, told }
  })
}

/** A field that is none, or lengths in words: no form meets it, but the policy is well-formed. */
function neverHolds(kind: string, ...values: unknown[]): boolean {
  const [field, value] = values
  if (KINDS.has(kind.toLowerCase())) {
    return typeof field === 'string' && /^[^$]/.test(field) && typeof value === 'string'
  }
  if (kind.toLowerCase() !== 'content-length-range') return false
  const isWord = (one: unknown) => typeof one === 'string' && !/^-?\d+$/.test(one)
  return values.some(isWord) && values.every(one => typeof one === 'number' || isWord(one))
}

/** `["starts-with", "$key", "photos/"]`. */
function listed(kind: string, field: unknown, value: unknown): Omit<PostCondition, 'told'> {
  const known = kind.toLowerCase()
  const named = typeof field === 'string' && /^\$./.test(field) && typeof value === 'string'
  if ((known !== 'eq' && known !== 'starts-with') || !named) throw invalid('Invalid JSON.')
  return { kind: known, field: field.slice(1).toLowerCase(), value }
}

function bytes(value: unknown): number {
  const number = typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value
  if (typeof number === 'number' && Number.isSafeInteger(number) && number >= 0) return number
  throw invalid('Invalid content-length-range.')
}

/** AccessDenied unless every condition holds and every field is named by one. */
export function requireConditions(
  policy: PostPolicy,
  fields: ReadonlyMap<string, string>,
  bucket: string,
): void {
  const values = new Map([...fields, ['bucket', bucket] as const])
  const named = new Set<string>()
  for (const condition of policy.conditions) {
    named.add(condition.field)
    if (meets(condition, values.get(condition.field))) continue
    throw denied(`Policy Condition failed: ${condition.told}`)
  }
  // Else a form signed for one bucket would be good for all.
  if (!named.has('bucket')) throw denied('Extra input fields: bucket')
  for (const field of fields.keys()) {
    if (named.has(field) || FREE.has(field) || field.startsWith('x-ignore-')) continue
    throw denied(`Extra input fields: ${field}`)
  }
}

function meets({ kind, field, value }: PostCondition, given: string | undefined): boolean {
  if (kind === 'never') return false
  // Any content is meant, also none.
  if (given === undefined) return kind === 'starts-with' && value === ''
  if (kind === 'eq') return given === value
  // A list of content types must begin with the prefix in each of its entries.
  const parts = field === 'content-type' ? given.split(/, */) : [given]
  return parts.every(part => part.startsWith(value))
}

function invalid(problem: string): S3Error {
  const message = `Invalid Policy: ${problem}`
  return new S3Error('InvalidPolicyDocument', { message })
}

export function denied(reason: string): S3Error {
  const message = `Invalid according to Policy: ${reason.slice(0, 500)}`
  return new S3Error('AccessDenied', { message })
}
