import { type HoldfastError, isHoldfastError } from '@holdfast/core/errors.ts'
import { splitUrl } from '../../http/parse/raw-path.ts'
import { problemsOf } from './error-codes.ts'
import { digestFacts, type S3Error, type S3Facts } from './errors.ts'
import type { S3Request } from './requests/request.ts'

/** Parameters, by the path of what the engine found wrong. */
const ARGUMENTS = new Map([
  ['versionId', ['versionId', 'version-id-marker']],
  ['upload_id_marker', ['upload-id-marker']],
])

type Asked = Pick<S3Request, 'method' | 'told' | 'raw'>

/**
 * What S3 tells beside code and sentence: the names that the refusal is about, as the caller gave
 * them. What the thrower said outweighs it; nothing is told that was not asked for
 * (https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html).
 */
export function factsOf({ method, told, raw }: Asked, error: S3Error): S3Facts {
  const cause = isHoldfastError(error.cause) ? error.cause : undefined
  const { message: _, ...facts } = error.facts
  // Few refusals ask, and a long query of a stranger takes longer to parse than to answer.
  const query = () => new URLSearchParams(splitUrl(raw.url ?? '').query)
  const asked = (name: string) => textOf(told.resource[name]) ?? query().get(name) ?? undefined
  const digests = error.code === 'BadDigest' ? md5Facts(raw.headers['content-md5'], cause) : {}
  return { ...namesOf(error, asked, cause), ...markerFacts(method, cause), ...digests, ...facts }
}

function namesOf(
  { code }: S3Error,
  asked: (name: string) => string | undefined,
  cause: HoldfastError | undefined,
): S3Facts {
  const named = (detail: string, name: string) => textOf(cause?.details[detail]) ?? asked(name)
  switch (code) {
    case 'NoSuchBucket':
    case 'BucketAlreadyExists':
    case 'BucketAlreadyOwnedByYou':
    case 'BucketNotEmpty':
    case 'InvalidBucketName':
      return { BucketName: named('bucket', 'bucket') }
    case 'NoSuchKey':
      return { Key: named('key', 'key') }
    case 'ConditionalRequestConflict':
      return { Condition: conditionOf(cause), Key: named('key', 'key') }
    case 'NoSuchVersion':
      return { Key: named('key', 'key'), VersionId: named('version_id', 'versionId') }
    case 'NoSuchUpload':
    case 'InvalidPartOrder':
      return { UploadId: named('upload_id', 'uploadId') }
    case 'InvalidPart':
      return { UploadId: named('upload_id', 'uploadId'), ...partFacts(cause) }
    case 'EntityTooSmall':
      return { ...sizeFacts(cause), ...partFacts(cause) }
    case 'MalformedPolicy':
      return cause?.details.sentence === undefined ? {} : { Detail: textOf(cause.details.reason) }
    case 'InvalidArgument':
      return argumentFacts(cause, asked)
    case 'PreconditionFailed':
      return { Condition: conditionOf(cause) }
    default:
      return {}
  }
}

/** Which one it was, where the engine found it to be none. */
function argumentFacts(
  cause: HoldfastError | undefined,
  asked: (name: string) => string | undefined,
): S3Facts {
  const [first] = cause === undefined ? [] : problemsOf(cause)
  const name = ARGUMENTS.get(first?.path ?? '')?.find(one => asked(one) !== undefined)
  if (name === undefined) return {}
  return { ArgumentName: name, ArgumentValue: asked(name)?.slice(0, 1024) }
}

function md5Facts(told: unknown, cause: HoldfastError | undefined): S3Facts {
  const { algorithm, computed } = cause?.details ?? {}
  if (algorithm !== 'md5' || typeof computed !== 'string' || typeof told !== 'string') return {}
  return digestFacts(Buffer.from(told, 'base64').toString('hex'), computed)
}

function partFacts(cause: HoldfastError | undefined): S3Facts {
  const { part_number: number, etag } = cause?.details ?? {}
  return { PartNumber: textOf(number), ETag: textOf(etag) }
}

function sizeFacts(cause: HoldfastError | undefined): S3Facts {
  const { size, minimum } = cause?.details ?? {}
  return { MinSizeAllowed: textOf(minimum), ProposedSize: textOf(size) }
}

/** As AWS spells it: `x-amz-copy-source-If-Match`. */
function conditionOf(cause: HoldfastError | undefined): string | undefined {
  const header = textOf(cause?.details.precondition)
  return header?.replace(/if(-[a-z]+)+$/, words =>
    words.replace(/(^|-)[a-z]/g, letter => letter.toUpperCase()),
  )
}

function markerFacts(method: string, cause: HoldfastError | undefined): S3Facts {
  if (cause?.code !== 'VERSION_IS_MARKER') return {}
  return { Method: method, ResourceType: 'DeleteMarker' }
}

function textOf(value: unknown): string | undefined {
  if (typeof value === 'number') return String(value)
  return typeof value === 'string' ? value.slice(0, 2048) : undefined
}
