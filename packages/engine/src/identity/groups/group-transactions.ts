import { HoldfastError, invalidFields } from '@holdfast/core/errors.ts'
import type { Grant, Group } from '@holdfast/core/identities.ts'
import type { CatalogTransaction, Moment } from '@holdfast/core/ports/catalog.ts'

export interface SetGroupArgs {
  /** Null makes a new group. */
  readonly id: string | null
  readonly name?: string | undefined
  readonly description?: string | undefined
  readonly members?: readonly string[] | undefined
  /** Who comes in and who goes, of those or of the members at that moment; who goes counts more. */
  readonly added?: readonly string[] | undefined
  readonly removed?: readonly string[] | undefined
}

const MEMBERS_MAX = 1000

export async function setGroupTransaction(
  tx: CatalogTransaction,
  args: SetGroupArgs,
  moment: Moment,
): Promise<Group> {
  const before = args.id === null ? undefined : await requireGroup(tx, args.id)
  const name = args.name ?? before?.name ?? ''
  const holder = await tx.identities.byName('group', name.toLowerCase())
  if (holder !== undefined && holder.id !== before?.id) throw new HoldfastError('GROUP_EXISTS')
  const members = nextMembers(args, before)
  for (const id of members) {
    const member =
      (await tx.identities.byId('user', id)) ?? (await tx.identities.byId('service_account', id))
    if (member === undefined) throw new HoldfastError('USER_NOT_FOUND', { user_id: id })
  }
  const group: Group = {
    kind: 'group',
    id: before?.id ?? moment.newId(),
    seq: await tx.nextSeq(),
    names: [name.toLowerCase()],
    belongsTo: null,
    name,
    description: args.description ?? before?.description ?? '',
    members,
    createdAt: before?.createdAt ?? moment.now,
    createdBy: before?.createdBy ?? moment.actor,
    updatedAt: moment.now,
  }
  await tx.put.identity(group)
  const old = before?.members ?? []
  const came = members.filter(id => !old.includes(id))
  const went = old.filter(id => !members.includes(id))
  for (const id of [...came, ...went]) await touchMember(tx, id)
  await tx.note({ what: 'identity.set', detail: { kind: 'group', id: group.id, name, came, went } })
  return group
}

function nextMembers(
  { members, added = [], removed = [] }: SetGroupArgs,
  before: Group | undefined,
): string[] {
  const gone = new Set(removed.map(id => id.toLowerCase()))
  const all = [...(members ?? before?.members ?? []), ...added].map(id => id.toLowerCase())
  const next = new Set(all.filter(id => !gone.has(id)))
  if (next.size > MEMBERS_MAX) {
    throw invalidFields({ path: 'members', problem: `at most ${MEMBERS_MAX} members` })
  }
  return [...next]
}

/** With all that was granted to it. */
export async function removeGroupTransaction(
  tx: CatalogTransaction,
  args: { readonly id: string },
): Promise<undefined> {
  const group = await requireGroup(tx, args.id)
  const query = { kind: 'grant', belongsTo: group.id, limit: GRANTS_MAX } as const
  for (const grant of await tx.identities.list(query)) await tx.remove.identity(grant.id)
  await tx.remove.identity(group.id)
  const detail = { kind: 'group', id: group.id, name: group.name }
  await tx.note({ what: 'identity.removed', detail })
  return undefined
}

export interface AddGrantArgs {
  /** Id of a user, a service account or a group. */
  readonly principalId: string
  readonly bucket: string
  readonly prefix: string
  readonly permissions: readonly string[]
}

export const GRANTS_MAX = 1000

export async function addGrantTransaction(
  tx: CatalogTransaction,
  args: AddGrantArgs,
  moment: Moment,
): Promise<Grant> {
  const { principalId, bucket, prefix, permissions } = args
  if ((await tx.buckets.byName(bucket)) === undefined) {
    throw new HoldfastError('BUCKET_NOT_FOUND', { bucket })
  }
  const query = { kind: 'grant', belongsTo: principalId, limit: GRANTS_MAX } as const
  const known = await tx.identities.list(query)
  if (known.length >= GRANTS_MAX) throw new HoldfastError('TOO_MANY_ITEMS', { limit: GRANTS_MAX })
  await touchHolder(tx, principalId)
  const grant: Grant = {
    kind: 'grant',
    id: moment.newId(),
    seq: await tx.nextSeq(),
    names: [],
    belongsTo: principalId,
    ...{ bucket, prefix, permissions },
    createdAt: moment.now,
    createdBy: moment.actor,
    updatedAt: moment.now,
  }
  await tx.put.identity(grant)
  const told = { principal_id: principalId, bucket, prefix, permissions }
  await tx.note({ what: 'identity.set', detail: { kind: 'grant', id: grant.id, ...told } })
  return grant
}

export async function removeGrantTransaction(
  tx: CatalogTransaction,
  args: { readonly id: string },
): Promise<undefined> {
  const grant = await tx.identities.byId('grant', args.id)
  if (grant === undefined) throw new HoldfastError('GRANT_NOT_FOUND', { grant_id: args.id })
  await tx.remove.identity(grant.id)
  const { bucket, prefix, belongsTo } = grant
  const detail = { kind: 'grant', id: grant.id, principal_id: belongsTo, bucket, prefix }
  await tx.note({ what: 'identity.removed', detail })
  return undefined
}

async function requireGroup(tx: CatalogTransaction, id: string): Promise<Group> {
  const group = await tx.identities.byId('group', id)
  if (group === undefined) throw new HoldfastError('GROUP_NOT_FOUND', { group_id: id })
  return group
}

/** Writes the holder again as it is: whoever remembers what it may hears that this changed. */
async function touchHolder(tx: CatalogTransaction, id: string): Promise<void> {
  const group = await tx.identities.byId('group', id)
  if (group !== undefined) return await tx.put.identity({ ...group, seq: await tx.nextSeq() })
  if (!(await touchMember(tx, id))) {
    throw new HoldfastError('PRINCIPAL_NOT_FOUND', { principal_id: id })
  }
}

async function touchMember(tx: CatalogTransaction, id: string): Promise<boolean> {
  const member =
    (await tx.identities.byId('user', id)) ?? (await tx.identities.byId('service_account', id))
  if (member === undefined || member.status === 'DELETED') return false
  await tx.put.identity({ ...member, seq: await tx.nextSeq() })
  return true
}
