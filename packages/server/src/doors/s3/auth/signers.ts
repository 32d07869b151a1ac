import {
  type FoundAccessKey,
  findAccessKey,
  noteUse,
} from '@holdfast/engine/access/keys/access-keys.ts'
import type { Carrier } from '../../../http/limits/limits.ts'
import { S3Error } from '../errors.ts'
import { addressOfCaller, type S3Request } from '../requests/request.ts'
import type { Claim } from './claim.ts'

type Caller = Pick<S3Request, 'context' | 'remote' | 'forwarded'>

/** Undefined for an access key that nobody has; whoever is blocked is refused before. */
export async function findSigner(
  request: S3Request,
  { accessKeyId }: Pick<Claim, 'accessKeyId'>,
): Promise<FoundAccessKey | undefined> {
  requireUnblocked(request, accessKeyId)
  return await findAccessKey(request.context.engine, accessKeyId)
}

export function known(
  found: FoundAccessKey | undefined,
  { accessKeyId }: Pick<Claim, 'accessKeyId'>,
): FoundAccessKey {
  if (found !== undefined) return found
  throw new S3Error('InvalidAccessKeyId', { AWSAccessKeyId: accessKeyId })
}

/**
 * Wrong signatures count against the address. When there were too many, only access keys that were
 * good from there before are looked at.
 */
function requireUnblocked(request: S3Request, accessKeyId: string): void {
  const { limits } = request.context
  if (!limits.blocksAny) return
  const ip = addressOfCaller(request)
  if (limits.wasGood(ip, accessKeyId)) return
  limits.requireUnblocked(ip, request.admission, carrierOf(request))
}

/**
 * Any page can hold pictures and forms whose links are wrong, and so make the browsers of its
 * visitors send them. A signature in a header it can send only where a bucket lets all pages do so,
 * and then browsers say that there is a page (Fetch standard §3.3).
 */
function carrierOf({ raw: { headers } }: S3Request): Carrier {
  const { authorization, origin } = headers
  return authorization === undefined || origin !== undefined ? 'page' : 'program'
}

export function rememberSigner(request: Caller, { accessKey }: FoundAccessKey): void {
  const { engine, limits } = request.context
  noteUse(engine, accessKey)
  limits.remember(addressOfCaller(request), accessKey.id)
}

const WRONG: ReadonlySet<string> = new Set(['InvalidAccessKeyId', 'SignatureDoesNotMatch'])

export async function countWrongSignature(request: S3Request, { code }: S3Error): Promise<void> {
  if (!WRONG.has(code)) return
  await request.context.limits.countWrong(addressOfCaller(request), carrierOf(request))
}
