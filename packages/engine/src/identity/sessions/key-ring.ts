import type { SigningKey } from '@holdfast/core/identities.ts'
import type { Catalog } from '@holdfast/core/ports/catalog.ts'
import type { Clock } from '@holdfast/core/ports/clock.ts'
import type { Random } from '@holdfast/core/ports/random.ts'
import { systemPrincipal } from '@holdfast/core/principal.ts'
import type { JsonObject } from '@holdfast/core/records.ts'
import {
  type CryptoKey,
  calculateJwkThumbprint,
  exportJWK,
  generateKeyPair,
  importJWK,
  type JWK,
} from 'jose'
import { commit } from '../../commit.ts'
import type { IdentityCounts, TokenUse } from '../identity-counts.ts'
import type { IdentitySettings } from '../identity-settings.ts'
import { openText, sealText } from '../seal.ts'
import { allSigningKeys } from './key-transactions.ts'

export interface KeyRingParts {
  readonly catalog: Catalog
  readonly clock: Clock
  readonly random: Random
  readonly secret: Uint8Array
  readonly settings: IdentitySettings
  readonly counts: IdentityCounts
}

const IMPORTED_MAX = 1000
const PURPOSE = 'signing-key'

/**
 * The keys of our tokens. They lie in the catalog, the private halves sealed, so that tokens
 * outlive a restart. A new one is made when the newest may sign no longer; the ones before it are
 * still taken for as long as their tokens live.
 */
export class KeyRing {
  readonly #parts: KeyRingParts
  readonly #imported = new Map<string, CryptoKey>()
  #making: Promise<SigningKey> | undefined
  /** Id of the key that signed last: spares looking through all of them. */
  #latest = ''

  constructor(parts: KeyRingParts) {
    this.#parts = parts
  }

  async signer(): Promise<{ kid: string; key: CryptoKey }> {
    const record = (await this.#signing()) ?? (await this.rotate())
    // Sealed by another store: its tokens can be verified, but not issued.
    return await this.#signerOf(this.canSign(record) ? record : await this.rotate())
  }

  canSign({ sealedPrivate }: SigningKey): boolean {
    return openText(sealedPrivate, { purpose: PURPOSE, secret: this.#parts.secret }) !== undefined
  }

  /** The public key of that name, if tokens of that use may still come from it. */
  async verifier(
    kid: string,
    use: TokenUse,
  ): Promise<{ readonly id: string; readonly key: CryptoKey } | undefined> {
    const record = await this.#parts.catalog.view.identities.byName('signing_key', kid)
    if (record === undefined) return undefined
    const until = use === 'access' ? record.verifiesUntil : record.expiresAt
    if (Date.parse(until) <= this.#parts.clock.now()) return undefined
    const { id, publicJwk } = record
    return { id, key: await this.#import(`public ${id}`, JSON.stringify(publicJwk)) }
  }

  /** Oldest first; those whose tokens are all gone included until they are swept. */
  async list(): Promise<SigningKey[]> {
    return await allSigningKeys(this.#parts.catalog.view.identities)
  }

  async #signing(): Promise<SigningKey | undefined> {
    const nowMs = this.#parts.clock.now()
    const signs = ({ signsUntil }: SigningKey) => Date.parse(signsUntil) > nowMs
    const known = await this.#parts.catalog.view.identities.byId('signing_key', this.#latest)
    const good = known !== undefined && signs(known) ? known : (await this.list()).find(signs)
    this.#latest = good?.id ?? ''
    return good
  }

  /** Makes the next key; whoever asks meanwhile gets the same one. */
  async rotate(actor: string = systemPrincipal.id): Promise<SigningKey> {
    this.#making ??= this.#make(actor, 'keep').finally(() => {
      this.#making = undefined
    })
    return await this.#making
  }

  /** Makes the next key, and no token of those before is taken from then on. */
  async replace(actor: string): Promise<SigningKey> {
    return await this.#make(actor, 'distrust')
  }

  async #make(actor: string, former: 'keep' | 'distrust'): Promise<SigningKey> {
    const { secret, random, clock, settings, catalog, counts } = this.#parts
    const pair = await generateKeyPair('RS256', { modulusLength: 2048, extractable: true })
    const publicJwk = await exportJWK(pair.publicKey)
    const kid = await calculateJwkThumbprint(publicJwk)
    const text = JSON.stringify(await exportJWK(pair.privateKey))
    const signsMs = clock.now() + settings.rotationSeconds * 1000
    const call = {
      principal: { ...systemPrincipal, id: actor },
      requestId: 'rotation',
      signal: none,
    }
    const made = await commit({ catalog }, call, {
      name: 'signing.add',
      args: {
        publicJwk: plainJwk(publicJwk, kid),
        kid,
        sealedPrivate: sealText(text, { purpose: PURPOSE, secret }, random),
        signsUntil: new Date(signsMs).toISOString(),
        overlapMs: settings.overlapSeconds * 1000,
        refreshMs: settings.refreshSeconds * 1000,
        former,
      },
    })
    const isAsked = former === 'distrust' || actor !== systemPrincipal.id
    counts.rotations[isAsked ? 'request' : 'schedule'] += 1
    if (!isAsked) counts.onRotated(made)
    return made
  }

  async #signerOf(record: SigningKey): Promise<{ kid: string; key: CryptoKey }> {
    const { secret } = this.#parts
    const sealed = openText(record.sealedPrivate, { purpose: PURPOSE, secret })
    if (sealed === undefined) throw new Error('a fresh signing key cannot be opened')
    return { kid: kidOf(record), key: await this.#import(`private ${record.id}`, sealed) }
  }

  async #import(name: string, text: string): Promise<CryptoKey> {
    const known = this.#imported.get(name)
    if (known !== undefined) return known
    const jwk: JWK = JSON.parse(text)
    const key = await importJWK(jwk, 'RS256')
    if (key instanceof Uint8Array) throw new Error('an RSA key was expected')
    if (this.#imported.size >= IMPORTED_MAX) this.#imported.clear()
    this.#imported.set(name, key)
    return key
  }
}

const { signal: none } = new AbortController()

export function kidOf(record: SigningKey): string {
  return record.names[0] ?? record.id
}

/** The members that a JWKS publishes (RFC 7517 §4). */
function plainJwk(jwk: JWK, kid: string): JsonObject {
  const { kty = 'RSA', n = '', e = '' } = jwk
  return { kty, n, e, kid, use: 'sig', alg: 'RS256' }
}
