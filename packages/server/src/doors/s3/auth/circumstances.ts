import type { ObjectTag } from '@holdfast/core/objects.ts'
import type { Principal, RequestFacts } from '@holdfast/core/principal.ts'
import { addressOfCaller, isSecure, type ReadRequest } from '../requests/request.ts'
import type { RequestHeaders } from '../wire/headers.ts'
import { parseTagHeader } from '../wire/tags.ts'

/** What conditions of policies may ask about a request; most buckets have no policy that asks. */
export class Circumstances implements RequestFacts {
  readonly #request: ReadRequest
  readonly #isSigned: boolean
  #keys: Record<string, string> | undefined

  readonly #form: 2 | 4 | undefined

  /** `form`: the version of the signature of a form. */
  constructor(request: ReadRequest, principal: Principal, form?: 2 | 4) {
    this.#request = request
    this.#form = form
    this.#isSigned = principal.kind !== 'anonymous'
  }

  /** As far as it can be believed: proxies that are not trusted are themselves the source. */
  get sourceIp(): string | null {
    return addressOfCaller(this.#request) || null
  }

  get secure(): boolean {
    return isSecure(this.#request)
  }

  get userAgent(): string | null {
    return this.#request.headers.get('user-agent') ?? null
  }

  get referer(): string | null {
    return this.#request.headers.get('referer') ?? null
  }

  get at(): string {
    return new Date(this.#request.context.clock.now()).toISOString()
  }

  get keys(): Readonly<Record<string, string>> {
    this.#keys ??= conditionKeys(this.#request, this.#isSigned, this.#form)
    return this.#keys
  }
}

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/list_amazons3.html#amazons3-policy-keys */
const CONDITION_HEADERS = [
  'x-amz-acl',
  'x-amz-copy-source',
  'x-amz-metadata-directive',
  'x-amz-server-side-encryption',
  'x-amz-storage-class',
  'x-amz-content-sha256',
  'x-amz-object-lock-mode',
  'x-amz-object-lock-legal-hold',
  'if-match',
  'if-none-match',
  'x-amz-grant-read',
  'x-amz-grant-write',
  'x-amz-grant-read-acp',
  'x-amz-grant-write-acp',
  'x-amz-grant-full-control',
]
const CONDITION_PARAMETERS: Readonly<Record<string, string>> = {
  prefix: 's3:prefix',
  delimiter: 's3:delimiter',
  'max-keys': 's3:max-keys',
  versionId: 's3:VersionId',
}

function conditionKeys(
  request: ReadRequest,
  signed: boolean,
  form: 2 | 4 | undefined,
): Record<string, string> {
  const { headers, query } = request
  const keys = signed ? signatureKeys(request, form) : {}
  for (const name of CONDITION_HEADERS) {
    const value = headers.get(name)
    // Those of object lock go by their bare names.
    const key = name.replace(/^x-amz-object-lock-/, 'object-lock-')
    if (value !== undefined) keys[`s3:${key}`] = value
  }
  for (const { key, value } of requestTags(headers)) keys[`s3:RequestObjectTag/${key}`] = value
  for (const [name, key] of Object.entries(CONDITION_PARAMETERS)) {
    const value = query.get(name)
    if (value !== undefined) keys[key] = value
  }
  return keys
}

function signatureKeys({ query }: ReadRequest, form: 2 | 4 | undefined): Record<string, string> {
  const old = query.has('Signature')
  const linked = old || query.has('X-Amz-Signature')
  const version = form ?? (old ? 2 : 4)
  return {
    's3:authType': form === undefined ? (linked ? 'REST-QUERY-STRING' : 'REST-HEADER') : 'POST',
    's3:signatureversion': version === 2 ? 'AWS' : 'AWS4-HMAC-SHA256',
  }
}

/** A tag header that cannot be read is refused by the operation, not here. */
function requestTags(headers: RequestHeaders): ObjectTag[] {
  const text = headers.text('x-amz-tagging')
  if (text === undefined) return []
  try {
    return parseTagHeader(text)
  } catch {
    return []
  }
}
