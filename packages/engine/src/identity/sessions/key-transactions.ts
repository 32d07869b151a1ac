import type { SigningKey } from '@holdfast/core/identities.ts'
import type { CatalogTransaction, Moment } from '@holdfast/core/ports/catalog.ts'
import type { IdentityQuestions } from '@holdfast/core/ports/identity-questions.ts'
import type { JsonObject } from '@holdfast/core/records.ts'

export interface AddSigningKeyArgs {
  readonly kid: string
  readonly publicJwk: JsonObject
  readonly sealedPrivate: string
  readonly signsUntil: string
  readonly overlapMs: number
  readonly refreshMs: number
  /** `distrust`: those before go at once, and with them all their tokens. */
  readonly former: 'keep' | 'distrust'
}

const PAGE = 1000

/** Oldest first. There are many where keys change often and refresh tokens live long. */
export async function allSigningKeys(
  identities: Pick<IdentityQuestions, 'list'>,
): Promise<SigningKey[]> {
  const all: SigningKey[] = []
  for (;;) {
    const after = all.at(-1)?.id ?? ''
    const page = await identities.list({ kind: 'signing_key', after, limit: PAGE })
    all.push(...page)
    if (page.length < PAGE) return all
  }
}

/** The keys before it sign no longer and go when the last of their tokens has expired. */
export async function addSigningKeyTransaction(
  tx: CatalogTransaction,
  args: AddSigningKeyArgs,
  moment: Moment,
): Promise<SigningKey> {
  const { now, actor } = moment
  const { overlapMs, refreshMs } = args
  for (const old of await allSigningKeys(tx.identities)) {
    if (args.former === 'distrust' || old.expiresAt <= now) await tx.remove.identity(old.id)
    else if (old.signsUntil > now) {
      const seq = await tx.nextSeq()
      const ended = { ...old, seq, updatedAt: now, ...lifeFrom(now, overlapMs, refreshMs) }
      await tx.put.identity(ended)
    }
  }
  const key: SigningKey = {
    kind: 'signing_key',
    id: moment.newId(),
    seq: await tx.nextSeq(),
    names: [args.kid],
    belongsTo: null,
    algorithm: 'RS256',
    publicJwk: args.publicJwk,
    sealedPrivate: args.sealedPrivate,
    createdAt: now,
    createdBy: actor,
    updatedAt: now,
    ...lifeFrom(args.signsUntil, overlapMs, refreshMs),
  }
  await tx.put.identity(key)
  const told = { kind: 'signing_key', id: key.id }
  const detail = args.former === 'distrust' ? { ...told, former: 'distrusted' } : told
  await tx.note({ what: 'identity.set', detail })
  return key
}

function lifeFrom(signsUntil: string, overlapMs: number, refreshMs: number) {
  const ms = Date.parse(signsUntil)
  return {
    signsUntil,
    verifiesUntil: new Date(ms + overlapMs).toISOString(),
    expiresAt: new Date(ms + Math.max(overlapMs, refreshMs)).toISOString(),
  }
}
