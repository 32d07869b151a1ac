import { HoldfastError } from '@holdfast/core/errors.ts'
import type { ClientSecret, ServiceAccount } from '@holdfast/core/identities.ts'
import type { CatalogTransaction, Moment } from '@holdfast/core/ports/catalog.ts'
import { endSessionsOf } from '../sessions/session-transactions.ts'

export type NewSecret = Pick<ClientSecret, 'hash' | 'prefix' | 'expiresAt'>

export type NewAccount = Pick<
  ServiceAccount,
  | 'clientId'
  | 'name'
  | 'description'
  | 'environment'
  | 'roles'
  | 'permissions'
  | 'buckets'
  | 'expiresAt'
  | 'rateLimit'
  | 'isSystem'
> & { readonly secret: NewSecret }

export const SECRETS_MAX = 5

export async function createAccountTransaction(
  tx: CatalogTransaction,
  args: NewAccount,
  moment: Moment,
): Promise<ServiceAccount> {
  const { secret, ...given } = args
  const names = [given.clientId, nameOf(given)]
  for (const name of names) {
    const holder = await tx.identities.byName('service_account', name)
    if (holder !== undefined) throw new HoldfastError('ACCOUNT_EXISTS')
  }
  const account: ServiceAccount = {
    kind: 'service_account',
    id: moment.newId(),
    seq: await tx.nextSeq(),
    names,
    belongsTo: null,
    ...given,
    status: 'ACTIVE',
    secrets: [secretOf(secret, moment)],
    createdAt: moment.now,
    createdBy: moment.actor,
    updatedAt: moment.now,
  }
  await tx.put.identity(account)
  await tx.note({ what: 'identity.set', detail: { ...told(account), before: null } })
  return account
}

export type AccountPatch = Partial<
  Pick<
    ServiceAccount,
    'description' | 'roles' | 'permissions' | 'buckets' | 'expiresAt' | 'rateLimit' | 'status'
  >
>

/** Who is not ACTIVE is out at once: tokens are held against this record. */
export async function updateAccountTransaction(
  tx: CatalogTransaction,
  args: { readonly id: string; readonly patch: AccountPatch },
  moment: Moment,
): Promise<ServiceAccount> {
  const before = await requireAccount(tx, args.id)
  const changed = { ...before, ...args.patch, seq: await tx.nextSeq(), updatedAt: moment.now }
  if (before.isSystem && (changed.status !== 'ACTIVE' || changed.expiresAt !== null)) {
    throw new HoldfastError('ACCOUNT_PROTECTED', { account_id: before.id })
  }
  // The record of a deleted one stays, with nothing that could be used; its name is free again.
  const account = changed.status === 'DELETED' ? { ...changed, names: [], secrets: [] } : changed
  await tx.put.identity(account)
  if (account.status !== 'ACTIVE') await endSessionsOf(tx, account.id)
  await tx.note({ what: 'identity.set', detail: { ...told(account), before: told(before) } })
  return account
}

/**
 * The next secret. Those before it are good for `overlapMs` more at most, so that programs can be
 * given the new one without a gap.
 */
export async function rotateSecretTransaction(
  tx: CatalogTransaction,
  args: { readonly id: string; readonly secret: NewSecret; readonly overlapMs: number },
  moment: Moment,
): Promise<ServiceAccount> {
  const before = await requireAccount(tx, args.id)
  const end = new Date(Date.parse(moment.now) + args.overlapMs).toISOString()
  const kept = before.secrets
    .map(secret => (secret.expiresAt > end ? { ...secret, expiresAt: end } : secret))
    .filter(({ expiresAt }) => expiresAt > moment.now)
  if (kept.length >= SECRETS_MAX) throw new HoldfastError('TOO_MANY_ITEMS', { limit: SECRETS_MAX })
  const secrets = [...kept, secretOf(args.secret, moment)]
  const seq = await tx.nextSeq()
  const account: ServiceAccount = { ...before, seq, secrets, updatedAt: moment.now }
  await tx.put.identity(account)
  const detail = { kind: 'service_account', id: account.id, secret: 'added', until: end }
  await tx.note({ what: 'identity.set', detail })
  return account
}

/** Ends a secret, and all tokens that were issued for it. */
export async function removeSecretTransaction(
  tx: CatalogTransaction,
  args: { readonly id: string; readonly secretId: string },
  moment: Moment,
): Promise<ServiceAccount> {
  const before = await requireAccount(tx, args.id)
  const secrets = before.secrets.filter(({ id }) => id !== args.secretId)
  if (secrets.length === before.secrets.length) {
    throw new HoldfastError('SECRET_NOT_FOUND', { secret_id: args.secretId })
  }
  const seq = await tx.nextSeq()
  const account: ServiceAccount = { ...before, seq, secrets, updatedAt: moment.now }
  await tx.put.identity(account)
  const detail = { kind: 'service_account', id: account.id, secret: 'removed' }
  await tx.note({ what: 'identity.set', detail })
  return account
}

/** A client id never looks like that, so both kinds of names share one space. */
function nameOf({ name }: Pick<ServiceAccount, 'name'>): string {
  return `name:${name}`
}

function secretOf(secret: NewSecret, moment: Moment): ClientSecret {
  const { now: createdAt, actor: createdBy } = moment
  return { id: moment.newId(), ...secret, createdAt, createdBy }
}

async function requireAccount(tx: CatalogTransaction, id: string): Promise<ServiceAccount> {
  const account = await tx.identities.byId('service_account', id)
  if (account === undefined || account.status === 'DELETED') {
    throw new HoldfastError('ACCOUNT_NOT_FOUND', { account_id: id })
  }
  return account
}

/** What the change log tells: never a hash. */
function told(account: ServiceAccount) {
  const { id, clientId, status, roles, permissions, buckets, expiresAt, rateLimit } = account
  const may = { roles, permissions, buckets, expiresAt, rateLimit }
  return { kind: 'service_account', id, clientId, status, ...may }
}
