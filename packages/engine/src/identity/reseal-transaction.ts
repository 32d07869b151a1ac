import type { CatalogTransaction } from '@holdfast/core/ports/catalog.ts'

export interface ResealArgs {
  readonly accessKeys: readonly Resealed[]
  /** Second factors, by the id of their user. */
  readonly factors: readonly Resealed[]
}

/** The same secret, sealed as it was found and as it is to be. */
export interface Resealed {
  readonly id: string
  readonly before: string
  readonly after: string
}

/** What is not as it was found has been sealed by somebody else since, and stays. */
export async function resealTransaction(
  tx: CatalogTransaction,
  { accessKeys, factors }: ResealArgs,
): Promise<undefined> {
  for (const { id, before, after } of accessKeys) {
    const key = await tx.accessKeys.byId(id)
    if (key?.sealedSecret !== before) continue
    await tx.put.accessKey({ ...key, seq: await tx.nextSeq(), sealedSecret: after })
  }
  for (const { id, before, after } of factors) {
    const user = await tx.identities.byId('user', id)
    if (user?.secondFactor?.sealedSecret !== before) continue
    const secondFactor = { ...user.secondFactor, sealedSecret: after }
    await tx.put.identity({ ...user, seq: await tx.nextSeq(), secondFactor })
  }
  if (accessKeys.length > 0) {
    await tx.note({ what: 'access_key.updated', detail: { sealed_anew: accessKeys.length } })
  }
  if (factors.length > 0) {
    await tx.note({ what: 'identity.set', detail: { kind: 'user', sealed_anew: factors.length } })
  }
  return undefined
}
