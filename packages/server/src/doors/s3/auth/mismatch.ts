import { S3Error, type S3Facts } from '../errors.ts'
import { utf8Text } from '../wire/uri.ts'

/** A signature that is not that of its request, and what it would have to be the signature of. */
export interface InVain {
  readonly accessKeyId: string
  readonly signature: string
  /** Both with one char for each byte. */
  readonly stringToSign?: string
  readonly canonical?: CanonicalRequest
}

export interface CanonicalRequest {
  readonly text: string
  readonly signedHeaders: readonly string[]
}

/** Longer texts are left out: an answer must not be many times the size of its question. */
const CHARS_MAX = 4096
/**
 * Headers that signers sign of their own. With others the request is not told: a proxy may have
 * added one, with a secret that its caller must not learn.
 */
const OF_SIGNERS =
  /^(host|date|range|origin|referer|expect|expires|user-agent|connection|cache-control|(accept|content|if|x-amz|amz-sdk)(-[\w-]+)?)$/
/** Keys of SSE-C and tokens come back to nobody, wherever they stand. */
const SECRET = /(customer-key|security-token)[:=]/i

/**
 * What AWS tells about it, for who compares that with what he signed
 * (https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html). It is all of the caller's
 * own; the only secret, the key, is in none of it.
 */
export function mismatch({ accessKeyId, signature, stringToSign, canonical }: InVain): S3Error {
  const isOurs = canonical?.signedHeaders.every(name => OF_SIGNERS.test(name))
  const toSign = shown('StringToSign', stringToSign)
  return new S3Error('SignatureDoesNotMatch', {
    AWSAccessKeyId: accessKeyId,
    StringToSign: toSign.StringToSign,
    SignatureProvided: signature.slice(0, 256),
    ...toSign,
    ...shown('CanonicalRequest', isOurs === true ? canonical?.text : undefined),
  })
}

/** The text, and its bytes in hexadecimal as AWS has them: some that count cannot be seen. */
function shown(name: string, text: string | undefined): S3Facts {
  if (text === undefined || text.length > CHARS_MAX || SECRET.test(text)) return {}
  const bytes = Buffer.from(text, 'latin1')
  const hex = bytes.toString('hex').replaceAll(/..(?=.)/g, '$& ')
  return { [name]: utf8Text(bytes) ?? text, [`${name}Bytes`]: hex }
}
