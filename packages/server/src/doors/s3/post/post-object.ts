import type { ByteSource } from '@holdfast/core/ports/element.ts'
import type { StoredObject } from '@holdfast/engine/objects/object-views.ts'
import { putObject } from '@holdfast/engine/objects/put-object.ts'
import { admitCaller } from '../auth/admit-caller.ts'
import { tagKeys } from '../auth/circumstances.ts'
import { credentialProblem, parseCredential, signatureOf } from '../auth/claim.ts'
import type { SignedPolicy } from '../auth/policy-signature.ts'
import { ALGORITHM } from '../auth/signing.ts'
import { parseAmzDate } from '../auth/times.ts'
import { digestOf, md5Expected, PUT_BYTES_MAX, requireSize } from '../auth/verified-body.ts'
import { verifyForm } from '../auth/verify.ts'
import { invalidArgument, invalidHeader, S3Error } from '../errors.ts'
import { putInput } from '../objects/put-input.ts'
import { isHosted } from '../requests/address.ts'
import { type Answer, emptyAnswer, present } from '../requests/answer.ts'
import { EXPECTED_OWNER, requireOwner } from '../requests/expected-owner.ts'
import { requireBucketForAnyone } from '../requests/missing-bucket.ts'
import { isSecure, type ReadRequest } from '../requests/request.ts'
import {
  checksumOfHeader,
  isChecksumValue,
  isUnknownChecksum,
  severalChecksums,
} from '../wire/checksums.ts'
import { requireHeader } from '../wire/header-text.ts'
import { RequestHeaders } from '../wire/headers.ts'
import { checksumHeaders, encryptionHeader, newVersionHeader } from '../wire/object-headers.ts'
import { objectTagsMax, readTagging } from '../wire/tags.ts'
import { uriEncode } from '../wire/uri.ts'
import { writeXml } from '../xml/write.ts'
import { type PostForm, readForm } from './form-fields.ts'
import { denied, type PostPolicy, parsePolicy, requireConditions } from './policy-document.ts'

/** Of a form, beside its file. */
const FORM_BYTES_MAX = 1024 * 1024

/**
 * Uploads of browsers (https://docs.aws.amazon.com/AmazonS3/latest/API/RESTObjectPOST.html). The
 * form is read by one parser: what its policy allows and what is stored are the same fields.
 */
export async function postObject(request: ReadRequest): Promise<Answer> {
  // Its fields and the lines between them are not much.
  requireSize(request.body.length ?? 0, PUT_BYTES_MAX + FORM_BYTES_MAX)
  const form = await readForm(request.body.source(), request.headers)
  try {
    return await store(request, form)
  } finally {
    await form.close()
  }
}

async function store(request: ReadRequest, form: PostForm): Promise<Answer> {
  const { fields } = form
  const { bucket } = request.address
  if (bucket === undefined) throw new S3Error('InvalidBucketName')
  const key = keyOf(form)
  // What a wrong signature covers is not worth a look.
  const verified = await verifyForm(request, signedPolicy(fields), headersOf(form))
  const policy = policyOf(request, fields)
  await admitCaller(verified)
  // Browsers send no header of their own: what a put says in one, a form says in a field.
  for (const said of [request.headers, fields]) {
    await requireOwner(verified, said.get(EXPECTED_OWNER), bucket)
  }
  await requireBucketForAnyone(verified, 'PostObject')
  if (policy !== undefined) {
    const facts = new Map(fields)
    facts.set('key', key)
    requireConditions(policy, facts, bucket)
  }
  const { engine } = request.context
  const tagging = fields.get('tagging')
  const facets = {
    ...(await putInput(verified, { bucket, key })),
    ...(tagging === undefined ? {} : { tags: formTags(tagging) }),
  }
  if (facets.tags !== undefined) verified.tellConditions(tagKeys(facets.tags))
  const checksum = checksumOf(fields)
  const object = await putObject(engine, verified.call, {
    bucket,
    key,
    source: within(form.file, policy),
    facets,
    checksum: checksum?.algorithm,
    expected: {
      ...md5Expected(fields.get('content-md5')),
      ...(checksum === undefined ? {} : digestOf(checksum.algorithm, checksum.value)),
    },
  })
  return answerOf(request, fields, object)
}

/** A form may say that there are none without a set for them. */
function formTags(text: string) {
  if (/^\s*(<\?xml[^>]*>\s*)?<Tagging[^<>]*(\/>|>\s*<\/Tagging>)\s*$/.test(text)) return []
  return readTagging(Buffer.from(text), objectTagsMax)
}

function keyOf({ fields, fileName }: PostForm): string {
  const key = fields.get('key')
  if (key === undefined) {
    const order = 'If it is specified, please check the order of the fields.'
    throw invalidArgument('key', '', `Bucket POST must contain a field named 'key'.  ${order}`)
  }
  if (key === '') throw invalidArgument('key', '', 'User key must have a length greater than 0.')
  // Not with a pattern: the name may hold what a replacement text gives a meaning.
  return fileName === '' ? key : key.split('$' + '{filename}').join(fileName)
}

/** Expired ones are refused whoever signed them. */
function policyOf(
  { context }: ReadRequest,
  fields: ReadonlyMap<string, string>,
): PostPolicy | undefined {
  const text = fields.get('policy')
  if (text === undefined) return undefined
  const policy = parsePolicy(text)
  if (policy.expiresMs <= context.clock.now()) throw denied('Policy expired.')
  return policy
}

function signedPolicy(fields: ReadonlyMap<string, string>): SignedPolicy | undefined {
  const names = ['x-amz-algorithm', 'x-amz-credential', 'x-amz-date', 'x-amz-signature', 'policy']
  if (fields.has('x-amz-security-token')) throw new S3Error('InvalidToken')
  const old = fields.has('awsaccesskeyid') || fields.has('signature')
  const given = names.map(name => fields.get(name))
  if (old) {
    if (given.slice(0, -1).some(value => value !== undefined)) {
      throw wrong('signature')
    }
    return oldPolicy(fields)
  }
  if (given.every(value => value === undefined)) return undefined
  const [algorithm, credential, date, signature, policy] = given
  const missing = names.find((_, at) => given[at] === undefined)
  if (missing !== undefined) {
    throw missingField(missing)
  }
  if (algorithm !== ALGORITHM) {
    const message = 'Only AWS4-HMAC-SHA256 is supported'
    throw invalidArgument('X-Amz-Algorithm', algorithm ?? '', message)
  }
  const parsed = parseCredential(credential ?? '')
  const timeMs = parseAmzDate(date ?? '')
  const checked = signatureOf(signature ?? '')
  if (parsed === undefined) {
    const told = credential ?? ''
    throw invalidArgument('x-amz-credential', told, credentialProblem(told))
  }
  if (timeMs === undefined) {
    const message = 'X-Amz-Date must be formated via ISO8601 Long format'
    throw invalidArgument('X-Amz-Date', date ?? '', message)
  }
  if (checked === undefined) throw new S3Error('SignatureDoesNotMatch')
  return { version: 4, ...parsed, timeMs, policy: policy ?? '', signature: checked }
}

/** In AWS's own spelling of the names. */
function missingField(name: string): S3Error {
  const spelt =
    name === 'awsaccesskeyid'
      ? 'AWSAccessKeyId'
      : name.replace(/(^|-)[a-z]/g, letter => letter.toUpperCase())
  const message =
    `Bucket POST must contain a field named '${spelt}'.  If it is specified, please check the ` +
    'order of the fields.'
  return invalidArgument(spelt, '', message)
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/RESTObjectPOST.html */
function oldPolicy(fields: ReadonlyMap<string, string>): SignedPolicy {
  const names = ['awsaccesskeyid', 'policy', 'signature'] as const
  const [accessKeyId, policy, signature] = names.map(name => {
    const value = fields.get(name)
    if (value !== undefined && value !== '') return value
    throw missingField(name)
  })
  if (accessKeyId === undefined || policy === undefined || signature === undefined) {
    throw wrong('signature')
  }
  return { version: 2, accessKeyId, policy, signature }
}

function wrong(name: string): S3Error {
  const message = `The field ${name} is malformed.`
  return new S3Error('InvalidArgument', { message, ArgumentName: name })
}

/**
 * Fields that stand for headers of a put. The type in the head of the file is covered by no policy,
 * so it counts only where there is none.
 */
function headersOf({ fields, fileType }: PostForm): RequestHeaders {
  const raw: string[] = []
  for (const [name, value] of fields) {
    // Of two sets of tags one is kept, so conditions must not hear of the other.
    const isOther = name === 'x-amz-tagging' && fields.has('tagging')
    if (isOther || !FIELD_HEADERS.test(name)) continue
    raw.push(name, Buffer.from(requireHeader(name, value)).toString('latin1'))
  }
  const canned = fields.get('acl')
  if (canned !== undefined) raw.push('x-amz-acl', canned)
  const isFree = !fields.has('content-type') && !fields.has('policy')
  if (isFree && fileType !== undefined) raw.push('content-type', fileType)
  return new RequestHeaders(raw)
}

const FIELD_HEADERS =
  /^(cache-control|content-(type|disposition|encoding|language)|expires|x-amz-meta-.+|x-amz-storage-class|x-amz-server-side-encryption.*|x-amz-website-redirect-location|x-amz-object-lock-.+|x-amz-tagging)$/

function checksumOf(fields: ReadonlyMap<string, string>) {
  const found = [...fields].flatMap(([name, value]) => {
    const algorithm = checksumOfHeader(name)
    if (isUnknownChecksum(name)) {
      const message = 'The algorithm type you specified in x-amz-checksum- header is invalid.'
      throw new S3Error('InvalidRequest', { message })
    }
    return algorithm === undefined ? [] : [{ name, algorithm, value }]
  })
  if (found.length > 1) throw severalChecksums()
  const [checksum] = found
  if (checksum !== undefined && !isChecksumValue(checksum.algorithm, checksum.value)) {
    throw invalidHeader(checksum.name)
  }
  return checksum
}

function within(file: ByteSource, policy: PostPolicy | undefined): ByteSource {
  const pieces = measured(file, policy)
  return file.done === undefined ? pieces : Object.assign(pieces, { done: file.done })
}

async function* measured(
  file: ByteSource,
  policy: PostPolicy | undefined,
): AsyncGenerator<Uint8Array> {
  const { min, max } = policy?.lengths ?? { min: 0, max: PUT_BYTES_MAX }
  let size = 0
  for await (const chunk of file) {
    size += chunk.length
    requireSize(size, Math.min(max, PUT_BYTES_MAX))
    yield chunk
  }
  if (size >= min) return
  const facts = { ProposedSize: String(size), MinSizeAllowed: String(min) }
  throw new S3Error('EntityTooSmall', facts)
}

function answerOf(
  request: ReadRequest,
  fields: ReadonlyMap<string, string>,
  object: StoredObject,
): Answer {
  const { bucket, key } = { bucket: object.bucket.name, key: object.asset.key }
  const etag = `"${object.etag}"`
  const scheme = isSecure(request) ? 'https' : 'http'
  const place = isHosted(request.path, request.address) ? '' : `${bucket}/`
  const location = `${scheme}://${request.headers.get('host') ?? ''}/${place}${uriEncode(key)}`
  const headers = {
    etag,
    location,
    ...newVersionHeader(object),
    ...encryptionHeader(object),
    ...checksumHeaders(object),
  }
  const redirect = redirectOf(fields)
  if (redirect !== undefined) {
    for (const [name, value] of Object.entries({ bucket, key, etag })) {
      redirect.searchParams.set(name, value)
    }
    return emptyAnswer(303, { ...headers, location: redirect.href })
  }
  const status = fields.get('success_action_status')
  if (status === '200') return emptyAnswer(200, headers)
  if (status !== '201') return emptyAnswer(204, headers)
  const xml = writeXml(
    'PostResponse',
    [
      ['Location', location],
      ['Bucket', bucket],
      ['Key', key],
      ['ETag', etag],
    ],
    '',
  )
  return { status: 201, headers: present(headers), xml }
}

function redirectOf(fields: ReadonlyMap<string, string>): URL | undefined {
  const text = fields.get('success_action_redirect') ?? fields.get('redirect')
  if (text === undefined || !/^https?:\/\//i.test(text) || !URL.canParse(text)) return undefined
  return new URL(text)
}
