import { bucketNameProblem } from '@holdfast/core/names.ts'
import { invalidArgument, S3Error } from '../errors.ts'
import { uriDecode, utf8Text } from '../wire/uri.ts'

/** What a request is about. */
export interface Address {
  /** Undefined: the service itself. */
  readonly bucket: string | undefined
  /** Undefined: the bucket itself. Never empty. */
  readonly key: string | undefined
}

/**
 * Bucket and key of a request, path-style (`/bucket/key`) or virtual-host-style (`bucket.domain`).
 * The key is decoded once and is otherwise left alone: `//`, `.` and `..` are parts of names
 * (https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html).
 */
export function addressOf(
  path: string,
  host: string | undefined,
  domains: readonly string[],
): Address {
  if (!path.startsWith('/')) throw new S3Error('InvalidURI')
  const hosted = bucketOfHost(host, domains)
  if (hosted !== undefined) return { bucket: hosted, key: decoded(path.slice(1)) || undefined }
  const slash = path.indexOf('/', 1)
  const bucket = decoded(slash < 0 ? path.slice(1) : path.slice(1, slash))
  if (bucket === '') {
    if (path === '/') return { bucket: undefined, key: undefined }
    throw new S3Error('InvalidBucketName')
  }
  const key = slash < 0 ? '' : decoded(path.slice(slash + 1))
  return { bucket, key: key === '' ? undefined : key }
}

/** Whether the host named the bucket; then all of the path is the key. */
export function isHosted(path: string, { bucket, key = '' }: Address): boolean {
  return bucket !== undefined && decoded(path.slice(1)) === key
}

function bucketOfHost(host: string | undefined, domains: readonly string[]): string | undefined {
  if (domains.length === 0) return undefined
  const name = host?.toLowerCase().replace(/:\d+$/, '') ?? ''
  for (const domain of domains) {
    if (name.endsWith(`.${domain}`) && name.length > domain.length + 1) {
      return name.slice(0, -domain.length - 1)
    }
  }
  return undefined
}

/** What stands for itself: most of all paths. */
const PLAIN = /^[!-$&-~]*$/

function decoded(text: string): string {
  const key = decodedText(text)
  if (key === undefined) throw new S3Error('InvalidURI')
  return key
}

function decodedText(text: string, options: { plus?: boolean } = {}): string | undefined {
  if (PLAIN.test(text) && !(options.plus === true && text.includes('+'))) return text
  const bytes = uriDecode(text, options)
  return bytes === undefined ? undefined : utf8Text(bytes)
}

export interface CopySource {
  readonly bucket: string
  readonly key: string
  readonly versionId: string | undefined
}

/**
 * `[/]bucket/key[?versionId=id]`, read with the same rules as the path of a request, but for `+`,
 * which is a space here.
 */
export function parseCopySource(header: string): CopySource {
  const refuse = (message: string) => invalidArgument('x-amz-copy-source', header, message)
  const mark = header.lastIndexOf('?versionId=')
  const place = mark < 0 ? header : header.slice(0, mark)
  const version = mark < 0 ? '' : header.slice(mark + '?versionId='.length)
  const [path, versionId] = [decodedText(place, { plus: true }), decodedText(version)]
  if (path === undefined || versionId === undefined) throw refuse('Invalid copy source encoding')
  const plain = path.startsWith('/') ? path.slice(1) : path
  const slash = plain.indexOf('/')
  if (slash <= 0 || slash === plain.length - 1) throw refuse('Invalid copy source object key')
  if (mark >= 0 && versionId === '') throw refuse('Version id cannot be the empty string')
  const bucket = plain.slice(0, slash)
  if (bucketNameProblem(bucket) !== undefined) throw refuse('Invalid copy source bucket name')
  return {
    bucket,
    key: plain.slice(slash + 1),
    versionId: mark < 0 ? undefined : versionId.toLowerCase(),
  }
}
