import { createHash, timingSafeEqual } from 'node:crypto'
import { HoldfastError, invalidFields, isHoldfastError } from '@holdfast/core/errors.ts'
import type { User } from '@holdfast/core/identities.ts'
import { OpenIdFault } from '@holdfast/core/ports/openid.ts'
import { networkKey } from '@holdfast/core/rates/address-key.ts'
import { toBase64Url } from '../../../base64url.ts'
import { commit } from '../../../commit.ts'
import { type Engine, systemCall } from '../../../engine.ts'
import { type AdoptArgs, isSaid } from '../adopt-transaction.ts'
import { claimAt, textAt, wordsAt } from '../issuers/claims.ts'
import { standingFor, together } from '../mapping.ts'
import { fitEmail, fitName, fitUsername } from '../profile.ts'
import { isSubject, subjectId } from '../subject-id.ts'
import { tellRights } from '../tell-rights.ts'
import { type OpenIdState, openIdIssuer } from './openid-state.ts'

/**
 * Sends a browser to the provider. `challenge` is the SHA-256 of a secret of the page that asks
 * (as in RFC 7636 §4.2): only who knows that secret gets the tokens, whoever sees the address to
 * which the browser returns.
 */
export async function beginOpenId(
  engine: Engine,
  given: { readonly returnTo: string; readonly challenge: string; readonly ip: string },
): Promise<{ readonly address: string; readonly binding: string }> {
  const { returnTo, challenge, ip } = given
  const { outside, pending, begins } = openIdOf(engine)
  if (!outside.returnUrls.includes(returnTo)) {
    const problem = 'must be one of STORAGE_OIDC_RETURN_URLS'
    throw invalidFields({ path: 'return_to', problem })
  }
  const waitMs = begins.take(ip, engine.clock.monotonic())
  if (waitMs !== undefined) {
    throw new HoldfastError('TOO_MANY_REQUESTS', { retry_after: Math.ceil(waitMs / 1000) })
  }
  const secret = () => toBase64Url(engine.random.bytes(32))
  const attempt = { state: secret(), nonce: secret(), verifier: secret() }
  const binding = secret()
  const address = await telling(engine, () => outside.provider.addressFor(attempt))
  pending.set(attempt.state, { attempt, returnTo, challenge, binding }, networkKey(ip))
  return { address, binding }
}

/**
 * The browser is back. UNAUTHENTICATED unless it is the one that began, and the provider says who
 * it is; the result is where the browser goes now, with a code that is good once for a minute.
 */
export async function finishOpenId(
  engine: Engine,
  { query, binding }: { readonly query: string; readonly binding: string | undefined },
): Promise<string> {
  const state = openIdOf(engine)
  const given = new URLSearchParams(query)
  const pending = state.pending.take(given.get('state') ?? '')
  if (pending === undefined || !isSame(pending.binding, binding ?? '')) {
    throw refusal('no login of this browser is under way', { isOfBrowser: true })
  }
  const user = await engine.identity.facts.asking(async asked => {
    return await telling(engine, async () => {
      const claims = await state.outside.provider.finish(query, pending.attempt)
      return await adopted(engine, state, { claims, asked })
    })
  })
  if (user.status !== 'ACTIVE') throw new HoldfastError('ACCOUNT_DISABLED')
  const code = toBase64Url(engine.random.bytes(32))
  const { id: userId, endings = 0 } = user
  state.finished.set(code, { userId, endings, challenge: pending.challenge }, userId)
  return `${pending.returnTo}#code=${code}`
}

/** The user of a login that came back, for the page that began it; `endings`: as it was then. */
export async function redeemOpenId(
  engine: Engine,
  { code, verifier }: { readonly code: string; readonly verifier: string },
): Promise<{ readonly user: User; readonly expiresAt: string; readonly endings: number }> {
  const { finished, outside } = openIdOf(engine)
  const found = finished.take(code)
  const challenge = createHash('sha256').update(verifier).digest('base64url')
  if (found === undefined || !isSame(found.challenge, challenge)) {
    throw new HoldfastError('UNAUTHENTICATED')
  }
  const user = await engine.catalog.view.identities.byId('user', found.userId)
  if (user?.status !== 'ACTIVE') throw new HoldfastError('ACCOUNT_DISABLED')
  const expiresMs = engine.clock.now() + outside.sessionSeconds * 1000
  return { user, expiresAt: new Date(expiresMs).toISOString(), endings: found.endings }
}

function openIdOf(engine: Engine): OpenIdState {
  const { openId } = engine.identity
  if (openId === undefined) throw new HoldfastError('ROUTE_NOT_FOUND')
  return openId
}

/**
 * UNAUTHENTICATED where two logins that were under way at once bring different claims: the
 * second could bring the older ones, and only another login can tell.
 */
async function adopted(
  engine: Engine,
  state: OpenIdState,
  { claims, asked }: { readonly claims: object; readonly asked: number },
): Promise<User> {
  const { outside, maps } = state
  const issuer = openIdIssuer(outside)
  const subject = textAt(claims, ['sub'])
  // A number is no subject there (OpenID Connect Core §2), and must not be the text of its digits.
  if (!isSubject(subject) || claimAt(claims, ['sub']) !== subject) {
    throw refusal('the ID token has no subject that is one')
  }
  const mapped = outside.maps.map(({ claim, mapping }) => {
    return standingFor(mapping, wordsAt(claims, claim))
  })
  const { roles, permissions, groups } = together([outside.always, ...mapped])
  const args: AdoptArgs = {
    id: subjectId(issuer, subject),
    source: 'oidc',
    outside: { issuer, subject, permissions, groups, maps },
    username: fitUsername(textAt(claims, outside.claims.name) ?? subject),
    email: fitEmail(textAt(claims, outside.claims.email)),
    firstName: fitName(textAt(claims, ['given_name']) ?? '', ''),
    lastName: fitName(textAt(claims, ['family_name']) ?? '', ''),
    ...{ roles, buckets: null, names: [] },
  }
  return await engine.identity.facts.settle({ id: args.id, asked }, async isOvertaken => {
    const { identities } = engine.catalog.view
    const known = await identities.byId('user', args.id)
    const isSame = known !== undefined && (await isSaid(identities, known, args))
    if (isOvertaken && !isSame) {
      const isOfBrowser = true
      throw refusal('two logins at once brought different claims', { isOfBrowser })
    }
    const user = await commit(engine, systemCall('openid'), { name: 'users.adopt', args })
    tellRights(engine, known, user)
    return user
  })
}

function refusal(reason: string, whose?: { readonly isOfBrowser: boolean }): HoldfastError {
  return new HoldfastError('UNAUTHENTICATED', {}, { cause: new OpenIdFault(reason, whose) })
}

/** The operator learns what only the provider or the settings can be at fault for. */
async function telling<T>(engine: Engine, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    const fault = isHoldfastError(error) ? error.cause : undefined
    if (fault instanceof OpenIdFault && !fault.isOfBrowser) {
      engine.identity.onProblem(openIdOf(engine).outside.provider.place, fault)
    }
    throw error
  }
}

function isSame(one: string, other: string): boolean {
  const [left, right] = [one, other].map(text => createHash('sha256').update(text).digest())
  return left !== undefined && right !== undefined && timingSafeEqual(left, right)
}
