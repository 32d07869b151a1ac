import { createHmac } from 'node:crypto'
import { invalidArgument, S3Error } from '../errors.ts'
import { isHosted } from '../requests/address.ts'
import type { ReadRequest } from '../requests/request.ts'
import { type RequestHeaders, withoutBlanks } from '../wire/headers.ts'
import type { Query } from '../wire/query.ts'
import { mismatch } from './mismatch.ts'
import { sameSignature } from './signing.ts'

/**
 * Signature Version 2 where programs still make it without being told to: links of boto3 and forms
 * (https://docs.aws.amazon.com/AmazonS3/latest/API/RESTAuthentication.html). It covers less than
 * version 4, so a link holds nothing that it does not cover.
 */
export interface OldLink {
  readonly accessKeyId: string
  /** Seconds since 1970, as they were signed. */
  readonly expires: string
  readonly signature: string
}

/** Longer than any link of version 4 no link lives. */
const EXPIRES_MAX_S = 604_800
export const oldLinkNames: ReadonlySet<string> = new Set(['AWSAccessKeyId', 'Signature', 'Expires'])
/** Headers that signers repeat in the query, and how a listing is written: they change nothing. */
const HARMLESS = new Set(['content-type', 'content-md5', 'encoding-type'])
/** The parameters that this signature covers. */
const COVERED = new Set([
  'acl',
  'cors',
  'delete',
  'lifecycle',
  'location',
  'logging',
  'notification',
  'object-lock',
  'partNumber',
  'policy',
  'requestPayment',
  'response-cache-control',
  'response-content-disposition',
  'response-content-encoding',
  'response-content-language',
  'response-content-type',
  'response-expires',
  'tagging',
  'uploadId',
  'uploads',
  'versionId',
  'versioning',
  'versions',
  'website',
])

/** Undefined where the query has nothing of such a link; refused where it has only some of it. */
export function oldLinkOf(headers: RequestHeaders, query: Query): OldLink | undefined {
  if (!query.has('AWSAccessKeyId') && !query.has('Signature')) return undefined
  if (headers.has('authorization') || query.has('X-Amz-Signature')) {
    throw invalidArgument('Authorization', '', 'Only one auth mechanism allowed')
  }
  const [accessKeyId, signature, expires] = ['AWSAccessKeyId', 'Signature', 'Expires'].map(name =>
    query.get(name),
  )
  if (!accessKeyId || !signature || !expires || !/^[\x21-\x7e]{1,128}$/.test(accessKeyId)) {
    throw denied(
      'Query-string authentication requires the Signature, Expires and AWSAccessKeyId parameters',
    )
  }
  return { accessKeyId, signature, expires }
}

/** AccessDenied or SignatureDoesNotMatch unless the link is of this secret. */
export function requireOldLink(request: ReadRequest, link: OldLink, secret: string): void {
  for (const name of request.query.names()) {
    requireOneParameter(request.query.get(name) ?? '')
    if (COVERED.has(name) || oldLinkNames.has(name) || /^x-/i.test(name)) continue
    if (!HARMLESS.has(name.toLowerCase())) {
      throw denied(`The signature of this link does not cover the parameter ${name.slice(0, 64)}`)
    }
  }
  const text = textOf(request, link)
  if (sameSignature(link.signature, sign(secret, text))) return
  const { accessKeyId, signature } = link
  throw mismatch({ accessKeyId, signature, stringToSign: text })
}

/** Values are signed decoded, so one that holds a parameter has the text of two. */
function requireOneParameter(value: string): void {
  const [, ...rest] = value.split('&')
  const hidden = rest.map(part => part.split('=', 1)[0] ?? '').find(name => COVERED.has(name))
  if (hidden !== undefined) throw denied(`A parameter of this link holds another one: ${hidden}`)
}

export function isPolicySignature(secret: string, policy: string, given: string): boolean {
  return sameSignature(given, sign(secret, policy))
}

export function sign(secret: string, text: string): string {
  return createHmac('sha1', secret).update(Buffer.from(text, 'latin1')).digest('base64')
}

/** Asked before the key is looked for, as AWS does. */
export function requireLinkTime({ expires }: OldLink, nowMs: number): void {
  if (!/^\d{1,12}$/.test(expires)) {
    throw denied(`Invalid date (should be seconds since epoch): ${expires.slice(0, 64)}`)
  }
  const leftS = Number(expires) - nowMs / 1000
  if (leftS > EXPIRES_MAX_S) throw denied('Request would be valid for more than a week')
  if (leftS > 0) return
  throw new S3Error('AccessDenied', {
    message: 'Request has expired',
    Expires: new Date(Number(expires) * 1000).toISOString(),
    ServerTime: new Date(nowMs).toISOString(),
  })
}

/** One char for each byte that is signed. */
export function textOf(
  { method, path, wire, query, address }: OldParts,
  link: Pick<OldLink, 'expires'>,
): string {
  const amz = new Map<string, string>()
  for (const name of query.names()) {
    const header = name.toLowerCase()
    if (header.startsWith('x-amz-')) amz.set(header, bytesOf(query.get(name) ?? ''))
  }
  for (const name of wire.names.all()) {
    if (name.startsWith('x-amz-')) amz.set(name, withoutBlanks(wire.get(name) ?? ''))
  }
  const headers = [...amz].sort(inOrder).map(([name, value]) => `${name}:${value}\n`)
  const names = [...query.names()].filter(name => COVERED.has(name)).sort()
  const parameters = names.map(name => {
    const value = query.get(name) ?? ''
    return value === '' ? name : `${name}=${bytesOf(value)}`
  })
  const host = isHosted(path, address) ? `/${address.bucket}` : ''
  return [
    method,
    wire.get('content-md5') ?? '',
    wire.get('content-type') ?? '',
    link.expires,
    headers.join('') + host + path + (parameters.length === 0 ? '' : `?${parameters.join('&')}`),
  ].join('\n')
}

export type OldParts = Pick<ReadRequest, 'method' | 'path' | 'wire' | 'query' | 'address'>

function bytesOf(text: string): string {
  return Buffer.from(text).toString('latin1')
}

function inOrder([one]: [string, string], [other]: [string, string]): number {
  return one < other ? -1 : 1
}

function denied(message: string): S3Error {
  return new S3Error('AccessDenied', { message })
}
