import { anonymous, type Principal } from '@holdfast/core/principal.ts'
import { type FoundAccessKey, peekAccessKey } from '@holdfast/engine/access/keys/access-keys.ts'
import { rightsMoment } from '@holdfast/engine/access/rights-now.ts'
import { RequestCall } from '../../../http/caller/request-call.ts'
import type { HeaderNames } from '../../../http/parse/header-names.ts'
import { S3Error } from '../errors.ts'
import { addressOfCaller, type ReadRequest, turnOf } from '../requests/request.ts'
import { type RequestHeaders, transcoded } from '../wire/headers.ts'
import { canonicalRequest } from './canonical.ts'
import type { ChunkSigning } from './chunks.ts'
import { Circumstances, type SignedHow } from './circumstances.ts'
import { type Claim, claimOf, requireDay, requireNoClaim, requireRegion } from './claim.ts'
import { mismatch } from './mismatch.ts'
import {
  type Payload,
  type PayloadMode,
  payloadOf,
  requireHashOfNothing,
  UNSIGNED,
} from './payload.ts'
import { type SignedPolicy, verifyPolicy } from './policy-signature.ts'
import { findSigner, known, rememberSigner } from './signers.ts'
import { keptSigningKey, requestSignature, sameSignature, stringToSign } from './signing.ts'
import type { SigningKey } from './signing-key.ts'
import { requireFresh, SKEW_MS } from './times.ts'
import { VerifiedBody } from './verified-body.ts'
import { type OldLink, oldLinkOf, requireLinkTime, requireOldLink } from './version-two.ts'

/**
 * A request whose credential was checked. Only `verifyRequest` can make one, and every operation
 * takes one: there is no way to an operation around the check.
 */
class VerifiedRequest {
  // Makes the class nominal: no object literal passes for it.
  readonly #checked = true
  readonly request: ReadRequest
  readonly call: RequestCall
  readonly body: VerifiedBody
  readonly #facts: Circumstances

  constructor(request: ReadRequest, { call, facts }: Asked, body: VerifiedBody) {
    this.request = request
    this.body = body
    this.call = call
    this.#facts = facts
  }

  /** For operations whose body says what headers say elsewhere: conditions ask for both alike. */
  tellConditions(keys: Readonly<Record<string, string>>): void {
    this.#facts.add(keys)
  }

  get checked(): boolean {
    return this.#checked
  }
}

export type Verified = VerifiedRequest

/** The only place where credentials of this door are read and checked. */
export async function verifyRequest(request: ReadRequest): Promise<Verified> {
  const moment = rightsMoment(request.context.engine)
  const { principal, body, ...how } = await provenSender(request)
  const asked = askedBy(request, { principal, moment, how })
  // Whoever signed may have lost the key, or do less, by the time that the body is in.
  const renew = () => asked.call.renew(request.context.engine)
  request.body.whenRead = () => turnOf(request)?.then(renew) ?? renew()
  return new VerifiedRequest(request, asked, body)
}

interface Sender {
  readonly principal: Principal
  /** When it was signed; that of version 2 does not say. */
  readonly signedMs?: number
  /** Whether what came as the hash of the body is none of the signature. */
  readonly isRidden?: boolean
  readonly body: VerifiedBody
}

async function provenSender(request: ReadRequest): Promise<Sender> {
  const link = oldLinkOf(request.wire, request.query)
  if (link !== undefined) return await provenByOldLink(request, link)
  const claim = claimOf(request.wire, request.query)
  const content = contentHash(request, claim)
  if (claim === undefined) {
    const payload = payloadOf(content, false)
    return { principal: anonymous, body: new VerifiedBody(request, payload.mode, null) }
  }
  const found = await findSigner(request, claim)
  const { principal, mode, signing } = checkClaim(request, { claim, content, found })
  const body = new VerifiedBody(request, mode, signing)
  const isRidden = riderOf(request, claim) !== undefined
  return { principal, body, signedMs: claim.timeMs, isRidden }
}

/** All of a request that a credential is checked against. */
export type Presented = Pick<
  ReadRequest,
  'context' | 'method' | 'path' | 'wire' | 'query' | 'remote' | 'forwarded'
>

/**
 * Who asks for something without a body, by the same rules within this turn of the event loop.
 * Undefined or a refusal where that cannot be, or must not be: `verifyRequest` says which.
 */
export function peekCaller(request: Presented): Principal | undefined {
  const claim = claimOf(request.wire, request.query)
  const content = contentHash(request, claim)
  if (claim === undefined) return content === undefined ? anonymous : undefined
  return peekSigner(request, claim, content)?.principal
}

/** Who signed, in its headers, a request with a body of its own, and what that says of the body. */
export function peekSender(request: Presented): Pick<Proven, 'principal' | 'mode'> | undefined {
  const claim = claimOf(request.wire, request.query)
  if (claim?.kind !== 'header') return undefined
  const proven = peekSigner(request, claim, contentHash(request, claim))
  if (proven === undefined || proven.mode.kind === 'chunks') return undefined
  return { principal: proven.principal, mode: proven.mode }
}

function peekSigner(
  request: Presented,
  claim: Claim,
  content: string | undefined,
): Proven | undefined {
  const { engine, limits } = request.context
  // Whoever is blocked hears of it the long way.
  if (limits.blocksAny && limits.isBlocked(addressOfCaller(request))) return undefined
  const found = peekAccessKey(engine, claim.accessKeyId)
  // What it asks for is counted on the way of all requests.
  if (found?.principal.rateLimit !== undefined) return undefined
  return found && checkClaim(request, { claim, content, found })
}

async function provenByOldLink(request: ReadRequest, link: OldLink): Promise<Sender> {
  const { wire, query, headers } = request
  const isToken = (name: string) => name.toLowerCase() === 'x-amz-security-token'
  if (wire.has('x-amz-security-token') || [...query.names()].some(isToken)) {
    throw new S3Error('InvalidToken')
  }
  requireLinkTime(link, request.context.clock.now())
  const signer = known(await findSigner(request, link), link)
  const { principal, secret } = signer
  requireOldLink(request, link, secret.text)
  const { mode } = payloadOf(headers.get('x-amz-content-sha256'), true)
  // Chunks could only be signed with a key of version 4.
  if (mode.kind === 'chunks' && mode.signed) throw new S3Error('SignatureDoesNotMatch')
  rememberSigner(request, signer)
  return { principal, body: new VerifiedBody(request, mode, null) }
}

interface Claimed {
  readonly claim: Claim
  readonly content: string | undefined
  readonly found: FoundAccessKey | undefined
}

interface Proven {
  readonly principal: Principal
  readonly mode: PayloadMode
  readonly signing: ChunkSigning | null
}

function checkClaim(request: Presented, { claim, content, found }: Claimed): Proven {
  requireTime(claim, request.context.clock.now())
  requireRegion(request, claim)
  requireDay(claim)
  const signer = known(found, claim)
  const { secret, principal } = signer
  const key = keptSigningKey(secret, claim.scope)
  requireSigned(request, claim)
  const payload = payloadOf(content, true)
  const rider = riderOf(request, claim)
  requireSignature(request, { claim, payload, key })
  rememberSigner(request, signer)
  const mode = rider === undefined ? payload.mode : riddenMode(claim, { payload, rider })
  requireHashOfNothing(mode, request.wire)
  const signing: ChunkSigning | null =
    mode.kind === 'chunks' && mode.signed
      ? { key, time: claim.time, scope: claim.scope, seed: claim.signature }
      : null
  return { principal, mode, signing }
}

/** The same request on behalf of the signer of its form, whose fields stand for its headers. */
export async function verifyForm(
  request: ReadRequest,
  signed: SignedPolicy | undefined,
  headers: RequestHeaders,
): Promise<Verified> {
  requireNoClaim(request)
  const moment = rightsMoment(request.context.engine)
  const principal = signed === undefined ? anonymous : await verifyPolicy(request, signed)
  const asked = { ...request, headers }
  // What follows its file is not waited for: the put asks for itself when the file is in.
  const signedMs = signed?.version === 4 ? signed.timeMs : undefined
  const how: SignedHow = { form: signed?.version ?? 0, signedMs }
  const body = new VerifiedBody(asked, { kind: 'plain' }, null)
  return new VerifiedRequest(asked, askedBy(asked, { principal, moment, how }), body)
}

interface Signer {
  readonly principal: Principal
  readonly moment: number
  readonly how: SignedHow
}

interface Asked {
  readonly call: RequestCall
  readonly facts: Circumstances
}

function askedBy(request: ReadRequest, { principal, moment, how }: Signer): Asked {
  const { requestId, patience } = request
  request.told.principal = principal
  const facts = new Circumstances(request, principal, how)
  const call = new RequestCall(patience, {
    ...{ requestId, moment },
    principal: { ...principal, request: facts },
  })
  return { call, facts }
}

function contentHash({ wire, query }: Presented, claim: Claim | undefined) {
  const given = wire.get(CONTENT_HASH)
  if (claim === undefined) return given
  if (given !== undefined && riderOf({ wire }, claim) === undefined) return given
  if (claim.kind === 'query') return query.get('X-Amz-Content-Sha256')
  throw new S3Error('InvalidRequest', {
    message: 'Missing required header for this request: x-amz-content-sha256',
  })
}

const CONTENT_HASH = 'x-amz-content-sha256'

/** The hash of a body that rides unsigned on a link: programs add it unasked. */
function riderOf({ wire }: Pick<Presented, 'wire'>, claim: Claim): string | undefined {
  if (claim.kind !== 'query' || claim.signedHeaders.includes(CONTENT_HASH)) return undefined
  return wire.get(CONTENT_HASH)
}

/** A rider may hold the body to more than the link does, and change nothing else of it. */
function riddenMode(
  claim: Claim,
  { payload, rider }: { readonly payload: Payload; readonly rider: string },
): PayloadMode {
  if (rider.toLowerCase() === payload.hash.toLowerCase()) return payload.mode
  const isHash = /^[0-9a-f]{64}$/i.test(rider)
  if (isHash && payload.hash === UNSIGNED) return payloadOf(rider, true).mode
  const { accessKeyId, signature } = claim
  throw mismatch({ accessKeyId, signature })
}

function requireTime(claim: Claim, nowMs: number): void {
  if (claim.expiresSeconds === undefined) {
    requireFresh(claim.timeMs, nowMs)
    return
  }
  if (claim.timeMs - nowMs > SKEW_MS) {
    throw new S3Error('AccessDenied', { message: 'Request is not yet valid' })
  }
  const endMs = claim.timeMs + claim.expiresSeconds * 1000
  if (nowMs <= endMs) return
  throw new S3Error('AccessDenied', {
    message: 'Request has expired',
    'X-Amz-Expires': String(claim.expiresSeconds),
    Expires: new Date(endMs).toISOString(),
    ServerTime: new Date(nowMs).toISOString(),
  })
}

/** What was found signed last among headers of these names. */
const signedOf = new WeakMap<HeaderNames, readonly string[]>()

/** An unsigned `x-amz-` header could turn a link for one thing into a link for another. */
function requireSigned({ wire }: Presented, claim: Claim): void {
  const { names } = wire
  const { signedHeaders } = claim
  const isRidden = riderOf({ wire }, claim) !== undefined
  if (signedOf.get(names) === signedHeaders) return
  const missing: string[] = []
  for (const name of names.all()) {
    const counts = name.startsWith('x-amz-') || name === 'host'
    if (isRidden && name === CONTENT_HASH) continue
    if (counts && !signedHeaders.includes(name)) missing.push(name)
  }
  if (missing.length === 0 && signedHeaders.includes('host')) {
    if (!isRidden) signedOf.set(names, signedHeaders)
    return
  }
  throw new S3Error('AccessDenied', {
    message: 'There were headers present in the request which were not signed',
    HeadersNotSigned: missing.join(', ').slice(0, 1024),
  })
}

function requireSignature(
  request: Presented,
  { claim, payload, key }: { claim: Claim; payload: Payload; key: SigningKey },
): void {
  const { method, path, query, wire } = request
  const canonical = canonicalRequest(
    { method, path, query, headers: wire },
    {
      signedHeaders: claim.signedHeaders,
      payloadHash: payload.hash,
      without: claim.kind === 'query' ? 'X-Amz-Signature' : undefined,
    },
  )
  if (sameSignature(claim.signature, requestSignature(key, claim, canonical))) return
  // botocore signs the UTF-8 of a metadata text and sends its Latin-1.
  const other = transcoded(canonical)
  const isOther = other !== canonical
  if (isOther && sameSignature(claim.signature, requestSignature(key, claim, other))) return
  const { accessKeyId, signature, signedHeaders } = claim
  throw mismatch({
    ...{ accessKeyId, signature },
    stringToSign: stringToSign(claim, canonical),
    canonical: { text: canonical, signedHeaders },
  })
}
