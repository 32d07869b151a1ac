import type { Principal } from '@holdfast/core/principal.ts'
import { S3Error } from '../errors.ts'
import type { ReadRequest } from '../requests/request.ts'
import { requireRegion } from './claim.ts'
import { mismatch } from './mismatch.ts'
import { findSigner, known, rememberSigner } from './signers.ts'
import { keptSigningKey, type Scope, sameSignature } from './signing.ts'
import { amzDate, SKEW_MS } from './times.ts'
import { isPolicySignature } from './version-two.ts'

/** The signature of a form, over its policy as it was sent. */
export type SignedPolicy = NewPolicy | OldPolicy

export interface OldPolicy {
  readonly version: 2
  readonly accessKeyId: string
  readonly policy: string
  readonly signature: string
}

export interface NewPolicy {
  readonly version: 4
  readonly accessKeyId: string
  readonly scope: Scope
  readonly timeMs: number
  /** Base64, as it came. */
  readonly policy: string
  readonly signature: string
}

/**
 * Who signed a form; a refusal where its signature is wrong
 * (https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-authentication-HTTPPOST.html).
 */
export async function verifyPolicy(request: ReadRequest, signed: SignedPolicy): Promise<Principal> {
  const signer = known(await findSigner(request, signed), signed)
  const { secret, principal } = signer
  if (signed.version === 2) {
    if (!isPolicySignature(secret.text, signed.policy, signed.signature)) throw unlike(signed)
    rememberSigner(request, signer)
    return principal
  }
  requireRegion(request, signed)
  const key = keptSigningKey(secret, signed.scope)
  if (!amzDate(signed.timeMs).startsWith(signed.scope.day)) throw new S3Error('AccessDenied')
  if (signed.timeMs - request.context.clock.now() > SKEW_MS) {
    throw new S3Error('AccessDenied', { message: 'Request is not yet valid' })
  }
  const expected = key.sign(signed.policy)
  if (!sameSignature(signed.signature, expected)) throw unlike(signed)
  rememberSigner(request, signer)
  return principal
}

function unlike({ accessKeyId, signature, policy }: SignedPolicy): S3Error {
  return mismatch({ accessKeyId, signature, stringToSign: policy })
}
