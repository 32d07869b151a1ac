import { isDeepStrictEqual } from 'node:util'
import { HoldfastError } from '@holdfast/core/errors.ts'
import type { CatalogTransaction, Moment } from '@holdfast/core/ports/catalog.ts'
import type { ApiKey } from '@holdfast/core/records.ts'
import { requireKeyRoom } from './key-room.ts'

export interface PutKeyArgs {
  readonly name: string
  readonly hash: string
  readonly prefix: string
  readonly permissions: readonly string[]
  readonly buckets: readonly string[] | null
  readonly makerId: string | null
  readonly expiresAt: string | null
}

export interface CreateKeyArgs extends PutKeyArgs {
  readonly makerKeysMax: number
}

export async function createKeyTransaction(
  tx: CatalogTransaction,
  { makerKeysMax, ...args }: CreateKeyArgs,
  moment: Moment,
): Promise<ApiKey> {
  const holding = {
    holder: args.makerId,
    holderOf: (key: ApiKey) => key.makerId,
    all: await tx.keys.list(),
    limit: makerKeysMax,
  }
  await requireKeyRoom(tx, holding, moment)
  return await putKey(tx, args, moment)
}

async function putKey(tx: CatalogTransaction, args: PutKeyArgs, moment: Moment): Promise<ApiKey> {
  const key: ApiKey = {
    id: moment.newId(),
    seq: await tx.nextSeq(),
    name: args.name,
    hash: args.hash,
    prefix: args.prefix,
    permissions: args.permissions,
    buckets: args.buckets,
    makerId: args.makerId,
    createdAt: moment.now,
    createdBy: moment.actor,
    expiresAt: args.expiresAt,
    revokedAt: null,
  }
  await tx.put.key(key)
  const { permissions, buckets, expiresAt } = args
  const detail = { key_id: key.id, name: key.name, permissions, buckets, expires_at: expiresAt }
  await tx.note({ what: 'key.created', detail })
  return key
}

/**
 * The key of the settings: created once. A key of the same name that the settings gave before is
 * revoked, so that changing the secret there ends the old one. Who owns the settings owns the
 * store: a key that was revoked while the settings still give it opens again.
 */
export async function ensureKeyTransaction(
  tx: CatalogTransaction,
  args: PutKeyArgs,
  moment: Moment,
): Promise<ApiKey> {
  const existing = await tx.keys.byHash(args.hash)
  for (const key of await tx.keys.list()) {
    const replaced = key.name === args.name && key.createdBy === moment.actor
    if (!replaced || key.revokedAt !== null || key.hash === args.hash) continue
    await revoke(tx, key, moment)
  }
  if (existing === undefined) return putKey(tx, args, moment)
  const given = { ...existing, ...args, revokedAt: null }
  return isDeepStrictEqual(given, existing) ? existing : reinstate(tx, given)
}

async function reinstate(tx: CatalogTransaction, key: ApiKey): Promise<ApiKey> {
  const reinstated: ApiKey = { ...key, seq: await tx.nextSeq() }
  await tx.put.key(reinstated)
  const { id, name, permissions, buckets, expiresAt } = reinstated
  const rights = { permissions, buckets, expires_at: expiresAt }
  await tx.note({ what: 'key.created', detail: { key_id: id, name, ...rights, reinstated: true } })
  return reinstated
}

export async function revokeKeyTransaction(
  tx: CatalogTransaction,
  args: { readonly id: string },
  moment: Moment,
): Promise<ApiKey> {
  const key = await tx.keys.byId(args.id)
  if (key === undefined) throw new HoldfastError('KEY_NOT_FOUND', { key_id: args.id })
  return key.revokedAt === null ? revoke(tx, key, moment) : key
}

async function revoke(tx: CatalogTransaction, key: ApiKey, moment: Moment): Promise<ApiKey> {
  const revoked: ApiKey = { ...key, seq: await tx.nextSeq(), revokedAt: moment.now }
  await tx.put.key(revoked)
  await tx.note({ what: 'key.revoked', detail: { key_id: key.id, name: key.name } })
  return revoked
}
