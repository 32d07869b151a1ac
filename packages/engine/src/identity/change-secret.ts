import type { Call } from '@holdfast/core/call.ts'
import { HoldfastError } from '@holdfast/core/errors.ts'
import { openWith, sealSecret } from '../access/keys/access-secret.ts'
import { commit } from '../commit.ts'
import { type Engine, systemCall } from '../engine.ts'
import { openFactor, sealFactor } from './factors/check-code.ts'
import { identityPages } from './identity-pages.ts'
import type { ResealArgs, Resealed } from './reseal-transaction.ts'
import { distrustSigningKeys } from './sessions/signing-keys.ts'

export interface SecretChange {
  /** Sealed anew: secrets of S3 access keys, and of second factors. */
  readonly accessKeys: number
  readonly factors: number
  /** Signing keys that are gone, with every session. */
  readonly signingKeys: number
  /** Access keys that are good still, and those revoked by this. */
  readonly openKeys: number
  readonly revokedKeys: number
  /** What neither secret opened: nobody could use it before either. */
  readonly lost: readonly string[]
}

export interface ChangeHow {
  readonly signal: AbortSignal
  readonly revokeS3Keys: boolean
  /** Called when nothing needs the former secret any more. */
  readonly dropFormer: () => void
}

const AT_A_TIME = 200

/**
 * Seals with the newest secret what the former one sealed, and only then drops that. Signing keys
 * are not sealed anew but replaced: who has the former secret may have them. A change that was cut
 * off is finished by another.
 */
export async function changeSecret(engine: Engine, how: ChangeHow): Promise<SecretChange> {
  const call = systemCall('secret change', how.signal)
  const { ring } = engine.identity
  const formerKeys = async () => (await ring.list()).filter(key => !ring.canSign(key)).length
  const signingKeys = await formerKeys()
  // Also where none is left: a change that was cut off may have ended no session yet.
  await distrustSigningKeys(engine, call)
  const open = await openKeysOf(engine)
  if (how.revokeS3Keys) {
    for (const id of open) await commit(engine, call, { name: 'keys.revokeAccess', args: { id } })
  }
  const first = await sealAnew(engine, call)
  const left = await sealAnew(engine, call)
  if (left.accessKeys + left.factors + (await formerKeys()) > 0) {
    const cause = new Error('something is still sealed with the former secret')
    throw new HoldfastError('INTERNAL', {}, { cause })
  }
  how.dropFormer()
  const openKeys = (await openKeysOf(engine)).length
  return { ...first, signingKeys, openKeys, revokedKeys: open.length - openKeys }
}

async function openKeysOf({ catalog, clock }: Engine): Promise<string[]> {
  const now = new Date(clock.now()).toISOString()
  const keys = await catalog.view.accessKeys.list()
  return keys.flatMap(({ id, revokedAt, expiresAt }) =>
    revokedAt === null && (expiresAt ?? '~') > now ? [id] : [],
  )
}

type Sealed = Pick<SecretChange, 'accessKeys' | 'factors' | 'lost'>

async function sealAnew(engine: Engine, call: Call): Promise<Sealed> {
  const lost: string[] = []
  const keys = (await engine.catalog.view.accessKeys.list()).flatMap(key => {
    const facts = { id: key.id, before: key.sealedSecret, what: `access key ${key.id}` }
    const open = (secret: Uint8Array) => openWith(secret, key)
    const seal = (secret: string) => sealSecret(engine, { id: key.id, secret })
    return anew(engine, { ...facts, open, seal }, lost)
  })
  for (let at = 0; at < keys.length; at += AT_A_TIME) {
    await reseal(engine, call, { accessKeys: keys.slice(at, at + AT_A_TIME), factors: [] })
  }
  let factors = 0
  for await (const page of identityPages(engine, call, 'user')) {
    const found = page.flatMap(({ id, secondFactor }) => {
      if (secondFactor === null) return []
      const { sealedSecret: before } = secondFactor
      const open = (secret: Uint8Array) => openFactor(id, before, secret)
      const seal = (text: string) => sealFactor(engine, id, text)
      return anew(engine, { id, before, what: `second factor of ${id}`, open, seal }, lost)
    })
    factors += found.length
    if (found.length > 0) await reseal(engine, call, { accessKeys: [], factors: found })
  }
  return { accessKeys: keys.length, factors, lost }
}

interface Kept {
  readonly id: string
  readonly before: string
  readonly what: string
  open(secret: Uint8Array): string | undefined
  seal(text: string): string
}

/** Nothing where it is sealed with the newest already. */
function anew({ settings }: Engine, kept: Kept, lost: string[]): Resealed[] {
  const { linkSecret, formerSecret } = settings
  if (kept.open(linkSecret) !== undefined) return []
  const text = formerSecret && kept.open(formerSecret)
  if (text === undefined) {
    lost.push(kept.what)
    return []
  }
  return [{ id: kept.id, before: kept.before, after: kept.seal(text) }]
}

async function reseal(engine: Engine, call: Call, args: ResealArgs): Promise<void> {
  call.signal.throwIfAborted()
  await commit(engine, call, { name: 'secrets.reseal', args })
}
