import type { IdentityKind, ServiceAccount, User } from '@holdfast/core/identities.ts'
import type { CatalogTransaction } from '@holdfast/core/ports/catalog.ts'
import type { IdentityOf } from '@holdfast/core/ports/identity-questions.ts'

const PAGE = 1000

/**
 * Takes the name of a bucket that goes out of grants and confinements, which know it by that alone:
 * a later bucket of the name is another one, and must be opened anew to whoever shall use it. Costs
 * a look at every user, account, key and grant.
 */
export async function releaseBucketName(tx: CatalogTransaction, name: string): Promise<void> {
  for (const grant of await all(tx, 'grant')) {
    if (grant.bucket !== name) continue
    await tx.remove.identity(grant.id)
    const detail = { kind: 'grant', id: grant.id, principal_id: grant.belongsTo, bucket: name }
    await tx.note({ what: 'identity.removed', detail })
  }
  for (const holder of [...(await all(tx, 'user')), ...(await all(tx, 'service_account'))]) {
    await releaseFrom(tx, holder, name)
  }
  await releaseKeys(tx, name)
}

async function releaseFrom(
  tx: CatalogTransaction,
  holder: User | ServiceAccount,
  name: string,
): Promise<void> {
  const { kind, id } = holder
  const buckets = without(holder, name)
  if (buckets === undefined) return
  await tx.put.identity({ ...holder, buckets, seq: await tx.nextSeq() })
  await tx.note({ what: 'identity.set', detail: { kind, id, buckets, released: name } })
}

async function releaseKeys(tx: CatalogTransaction, name: string): Promise<void> {
  for (const key of await tx.keys.list()) {
    const buckets = without(key, name)
    if (buckets === undefined) continue
    await tx.put.key({ ...key, buckets, seq: await tx.nextSeq() })
    await tx.note({ what: 'key.updated', detail: { key_id: key.id, buckets, released: name } })
  }
  for (const key of await tx.accessKeys.list()) {
    const buckets = without(key, name)
    if (buckets === undefined) continue
    await tx.put.accessKey({ ...key, buckets, seq: await tx.nextSeq() })
    const detail = { access_key_id: key.id, buckets, released: name }
    await tx.note({ what: 'access_key.updated', detail })
  }
}

/** The rest of a confinement that names the bucket; an empty one is no bucket, not all. */
function without(
  { buckets }: { readonly buckets: readonly string[] | null },
  name: string,
): readonly string[] | undefined {
  return buckets?.includes(name) === true ? buckets.filter(one => one !== name) : undefined
}

async function all<Kind extends IdentityKind>(
  tx: CatalogTransaction,
  kind: Kind,
): Promise<IdentityOf<Kind>[]> {
  const found: IdentityOf<Kind>[] = []
  for (;;) {
    const page = await tx.identities.list({ kind, after: found.at(-1)?.id ?? '', limit: PAGE })
    found.push(...page)
    if (page.length < PAGE) return found
  }
}
