import type { Call } from '@holdfast/core/call.ts'
import { HoldfastError } from '@holdfast/core/errors.ts'
import type { AccountStatus, ServiceAccount } from '@holdfast/core/identities.ts'
import { toHex } from '@holdfast/core/ids.ts'
import { authorize } from '../../access/decide.ts'
import { keyMakerOf } from '../../access/keys/key-maker.ts'
import { hashOfSecret } from '../../access/keys/key-secret.ts'
import { requireWithin } from '../../access/keys/keys.ts'
import { toBase64Url } from '../../base64url.ts'
import { commit } from '../../commit.ts'
import type { Engine } from '../../engine.ts'
import { requireRightsOver } from '../rights-over.ts'
import { isGiving, requireConfirmed } from '../sessions/require-confirmed.ts'
import { requireRights } from '../users/users.ts'
import { type AccountFields, requireAccountFields } from './account-fields.ts'
import { isGoodAccount } from './account-state.ts'
import type { AccountPatch, NewSecret } from './account-transactions.ts'
import { principalOfAccount } from './principal-of-account.ts'

/** The secret is known only now. */
export interface WithSecret {
  readonly account: ServiceAccount
  readonly secret: string
}

/** What a secret is good for unless told otherwise. */
export const SECRET_DAYS = 90
const OVERLAP_S = 86_400

export async function createAccount(
  engine: Engine,
  call: Call,
  input: AccountFields & { readonly name: string },
): Promise<WithSecret> {
  authorize(call.principal, 'admin:users', {})
  requireConfirmed(engine, call)
  requireAccountFields(input, engine.clock.now())
  const { name, environment = 'default', description = '', buckets = null } = input
  const { roles = [], permissions = [], expiresAt = null, rateLimit = null } = input
  requireHeld(call, { roles, permissions })
  requireUnlimited(call, input.rateLimit)
  const { secret, kept } = newSecret(engine, input.secretDays)
  const args = {
    // Random, so that the id of an account that was deleted never names another one.
    clientId: `sa_${environment}_${name}_${toHex(engine.random.bytes(6))}`,
    ...{ name, environment, description, roles, permissions, buckets, rateLimit },
    isSystem: false,
    expiresAt: expiresAt === null ? null : new Date(expiresAt).toISOString(),
    secret: kept,
  }
  return { account: await commit(engine, call, { name: 'accounts.create', args }), secret }
}

export async function getAccount(engine: Engine, call: Call, id: string): Promise<ServiceAccount> {
  authorize(call.principal, 'admin:users', {})
  const account = await engine.catalog.view.identities.byId('service_account', id.toLowerCase())
  if (account === undefined) throw new HoldfastError('ACCOUNT_NOT_FOUND', { account_id: id })
  return account
}

const PAGE = 1000

/** In the order in which they were made; deleted ones only when asked for. */
export async function listAccounts(
  engine: Engine,
  call: Call,
  filter: {
    readonly status?: AccountStatus | undefined
    readonly limit: number
    readonly offset: number
  },
): Promise<{ readonly items: ServiceAccount[]; readonly total: number }> {
  authorize(call.principal, 'admin:users', {})
  const { status, limit, offset } = filter
  const nowMs = engine.clock.now()
  const items: ServiceAccount[] = []
  let total = 0
  let after = ''
  for (;;) {
    const query = { kind: 'service_account', after, limit: PAGE } as const
    const page = await engine.catalog.view.identities.list(query)
    for (const account of page) {
      const shown = shownStatus(account, nowMs)
      if (status === undefined ? shown === 'DELETED' : shown !== status) continue
      total += 1
      if (total > offset && items.length < limit) items.push(account)
    }
    const last = page.at(-1)
    if (last === undefined || page.length < PAGE) return { items, total }
    after = last.id
  }
}

export function shownStatus(account: ServiceAccount, nowMs: number): AccountStatus {
  if (account.status !== 'ACTIVE') return account.status
  return isGoodAccount(account, nowMs) ? 'ACTIVE' : 'EXPIRED'
}

export async function updateAccount(
  engine: Engine,
  call: Call,
  change: { readonly id: string; readonly patch: AccountPatch },
): Promise<ServiceAccount> {
  const { id } = await requireManageable(engine, call, change.id)
  const { patch } = change
  if (isGiving(patch)) requireConfirmed(engine, call)
  requireAccountFields(patch, engine.clock.now())
  const { expiresAt } = patch
  const setsBound = patch.rateLimit !== undefined || expiresAt !== undefined
  if (setsBound && (await actsForAccount(engine, call)) === id) {
    throw new HoldfastError('FORBIDDEN', { reason: 'no account sets its own limit or end' })
  }
  requireUnlimited(call, patch.rateLimit)
  requireHeld(call, { roles: patch.roles ?? [], permissions: patch.permissions ?? [] })
  const times = expiresAt == null ? {} : { expiresAt: new Date(expiresAt).toISOString() }
  const args = { id, patch: { ...patch, ...times } }
  return await commit(engine, call, { name: 'accounts.update', args })
}

/** Its tokens and secrets are refused from now on; the record stays. */
export async function removeAccount(engine: Engine, call: Call, id: string): Promise<void> {
  const account = await requireManageable(engine, call, id)
  const args = { id: account.id, patch: { status: 'DELETED' } } as const
  await commit(engine, call, { name: 'accounts.update', args })
}

/** The next secret; the ones before end after the overlap (a day unless told otherwise). */
export async function rotateSecret(
  engine: Engine,
  call: Call,
  wanted: {
    readonly id: string
    readonly secretDays?: number | undefined
    readonly overlapS?: number | undefined
  },
): Promise<WithSecret> {
  const { id } = await requireManageable(engine, call, wanted.id)
  requireConfirmed(engine, call)
  const { secretDays, overlapS = OVERLAP_S } = wanted
  requireAccountFields({ secretDays, overlapS }, engine.clock.now())
  const { secret, kept } = newSecret(engine, secretDays)
  const args = { id, secret: kept, overlapMs: overlapS * 1000 }
  return { account: await commit(engine, call, { name: 'accounts.rotate', args }), secret }
}

export async function removeSecret(
  engine: Engine,
  call: Call,
  wanted: { readonly id: string; readonly secretId: string },
): Promise<ServiceAccount> {
  const { id } = await requireManageable(engine, call, wanted.id)
  const args = { id, secretId: wanted.secretId.toLowerCase() }
  return await commit(engine, call, { name: 'accounts.removeSecret', args })
}

/** 256 random bits: too many to guess, so a plain SHA-256 keeps them safe. */
function newSecret(
  { random, clock }: Engine,
  days = SECRET_DAYS,
): { readonly secret: string; readonly kept: NewSecret } {
  const secret = `hfc_${toBase64Url(random.bytes(32))}`
  const expiresAt = new Date(clock.now() + days * 86_400_000).toISOString()
  return { secret, kept: { hash: hashOfSecret(secret), prefix: secret.slice(0, 10), expiresAt } }
}

/** Nobody changes an account that may more than they do: else they could act with its secret. */
async function requireManageable(engine: Engine, call: Call, id: string): Promise<ServiceAccount> {
  const account = await getAccount(engine, call, id)
  requireRightsOver(call, (await principalOfAccount(engine, account)).principal)
  return account
}

/** Whoever has a limit sets none: not for others either, whose secret it would know. */
function requireUnlimited({ principal }: Call, wanted: number | null | undefined): void {
  if (wanted === undefined || principal.rateLimit === undefined) return
  throw new HoldfastError('FORBIDDEN', { reason: 'who has a limit of its own sets none' })
}

/** The account that calls, itself or by a key that it made. */
async function actsForAccount(engine: Engine, call: Call): Promise<string | null> {
  const { kind } = call.principal
  return kind === 'service_account' || kind === 'api_key' ? await keyMakerOf(engine, call) : null
}

function requireHeld(
  call: Call,
  { roles, permissions }: Pick<ServiceAccount, 'roles' | 'permissions'>,
): void {
  requireRights(call, roles)
  requireWithin(call.principal, { permissions }, 'the account may more than the caller holds')
}
