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

  constructor(request: ReadRequest, principal: Principal) {
    this.#request = request
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
    this.#keys ??= conditionKeys(this.#request, this.#isSigned)
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

function conditionKeys({ headers, query }: ReadRequest, signed: boolean): Record<string, string> {
  const presigned = query.has('X-Amz-Signature')
  const keys: Record<string, string> = signed
    ? {
        's3:authType': presigned ? 'REST-QUERY-STRING' : 'REST-HEADER',
        's3:signatureversion': 'AWS4-HMAC-SHA256',
      }
    : {}
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
