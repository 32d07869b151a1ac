import type { Call } from '@holdfast/core/call.ts'
import { type ErrorCode, HoldfastError, isHoldfastError } from '@holdfast/core/errors.ts'
import type { ServiceAccount, Session } from '@holdfast/core/identities.ts'
import { permissions } from '@holdfast/core/principal.ts'
import { decodeJwt } from 'jose'
import { decide, mayEver } from '../../access/decide.ts'
import type { Engine } from '../../engine.ts'
import { isGoodAccount } from '../accounts/account-state.ts'
import { requireFactor } from '../factors/require-factor.ts'
import type { TokenKind, TokenUse } from '../identity-counts.ts'
import { lookAtSubject } from '../outside/issuers/authenticate-subject.ts'
import { mayAct } from '../principal-of-user.ts'
import { holderOf } from './authenticate-token.ts'
import { requireUnlocked } from './lockout.ts'
import { type CheckedToken, checkToken, generationOf, issuerOf, looksLikeToken } from './tokens.ts'

/** What is told of a token that is good now. */
export interface ActiveToken {
  readonly use: TokenUse
  readonly issuer: string
  readonly kind: TokenKind | 'external'
  readonly subject: string
  readonly name: string
  readonly expiresMs: number
  /** Absent where the token is of another issuer. */
  readonly sessionId?: string | undefined
  /** What an access token of ours permits somewhere. */
  readonly scope?: string | undefined
}

/** What a token that is not good is refused with where it is used. */
const NOT_GOOD: ReadonlySet<ErrorCode> = new Set([
  'UNAUTHENTICATED',
  'CREDENTIAL_EXPIRED',
  'ACCOUNT_LOCKED',
  'SECOND_FACTOR_ENROLMENT_REQUIRED',
  // Keys of its issuer are missing. RFC 7662 §2.2 knows no "later", and to say so here would tell
  // everybody whose tokens are taken.
  'IDENTITY_UNAVAILABLE',
])

/**
 * What is known of a token (RFC 7662): of the own ones, and for who administers users of any.
 * Undefined without a reason for whatever else it is: not good now, of somebody else, or no token.
 * Keys are none. Costs one signature and changes nothing: an old refresh token ends no session, and
 * none was used by this.
 */
export async function validateToken(
  engine: Engine,
  { principal }: Pick<Call, 'principal'>,
  token: string,
): Promise<ActiveToken | undefined> {
  if (!looksLikeToken(token)) return undefined
  const found = await findActive(engine, token)
  if (found === undefined || found.subject === principal.id) return found
  return decide(principal, 'admin:users', {}).allowed ? found : undefined
}

async function findActive(engine: Engine, token: string): Promise<ActiveToken | undefined> {
  try {
    // The issuer and the use only choose the check, which holds them against what is signed.
    const foreign = engine.identity.issuers.signerOf(issuerOf(token))
    if (foreign !== undefined) {
      const { id: subject, name, expiresMs } = await lookAtSubject(engine, token, foreign)
      const { issuer } = foreign.issuer
      return { use: 'access', issuer, kind: 'external', subject, name, expiresMs }
    }
    const isRefresh = issuerOf(token) !== '' && decodeJwt(token).type === 'refresh'
    return isRefresh ? await ofRefresh(engine, token) : await ofAccess(engine, token)
  } catch (error) {
    if (isHoldfastError(error) && NOT_GOOD.has(error.code)) return undefined
    throw error
  }
}

async function ofAccess(engine: Engine, token: string): Promise<ActiveToken> {
  const checked = await checkToken(engine, token, 'access')
  const { principal, expiresMs } = await holderOf(engine, checked)
  const scope = permissions.filter(permission => mayEver(principal, permission)).join(' ')
  const { name } = principal
  return { ...told(engine, checked), use: 'access', name, expiresMs, scope }
}

/** Whether it would be traded, as far as can be told without doing it or asking elsewhere. */
async function ofRefresh(engine: Engine, token: string): Promise<ActiveToken> {
  const checked = await checkToken(engine, token, 'refresh')
  const { identities } = engine.catalog.view
  const session = await identities.byId('session', checked.sessionId)
  const isNext = session?.generation === generationOf(checked.jti)
  if (session?.belongsTo !== checked.subject || !isNext) throw new HoldfastError('UNAUTHENTICATED')
  const name =
    checked.kind === 'user'
      ? await nameOfUser(engine, session)
      : nameOfAccount(engine, session, await identities.byId('service_account', checked.subject))
  return { ...told(engine, checked), use: 'refresh', name }
}

async function nameOfUser(engine: Engine, session: Session): Promise<string> {
  const user = await engine.catalog.view.identities.byId('user', session.belongsTo ?? '')
  const { sessionSeconds } = engine.identity.settings
  const endMs = Date.parse(session.createdAt) + sessionSeconds * 1000
  // The settings may have become stricter since; a session of a provider keeps its own end.
  const isOver = user?.source !== 'oidc' && endMs <= engine.clock.now()
  if (!mayAct(engine, user) || isOver) throw new HoldfastError('UNAUTHENTICATED')
  requireUnlocked(engine, user)
  requireFactor(engine, user)
  return user.username
}

function nameOfAccount(
  { identity, clock }: Engine,
  { client }: Session,
  account: ServiceAccount | undefined,
): string {
  const nowMs = clock.now()
  const secret = account?.secrets.find(({ id }) => id === client?.secretId)
  const isGood = account !== undefined && isGoodAccount(account, nowMs)
  const isKept = secret !== undefined && Date.parse(secret.expiresAt) > nowMs
  if (isGood && isKept && identity.settings.accountRefresh) return account.clientId
  throw new HoldfastError('UNAUTHENTICATED')
}

function told({ identity }: Engine, { kind, subject, sessionId, expiresMs }: CheckedToken) {
  return { issuer: identity.settings.issuer, kind, subject, sessionId, expiresMs }
}
