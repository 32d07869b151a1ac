import assert from 'node:assert/strict'
import { createSecretKey, generateKeyPairSync, type JsonWebKey, type KeyObject } from 'node:crypto'
import { test } from 'node:test'
import type { KeySetSource } from '@holdfast/core/ports/key-set.ts'
import { SignJWT } from 'jose'
import { type Mapping, noStanding, standingOf } from '../mapping.ts'
import type { Issuer } from './issuer.ts'
import { readKeySet } from './key-set.ts'

/** An issuer with a key pair of its own, whose set can be exchanged under a running store. */
export interface TestIssuer {
  readonly issuer: Issuer
  readonly jwk: JsonWebKey
  readonly privateKey: KeyObject
  readonly publicKey: KeyObject
  /** What its key set answers now; an error is thrown. */
  document: unknown
  loads: number
  sign(claims?: Claims, header?: Record<string, unknown>): Promise<string>
}

type Claims = Record<string, unknown>

export const nowS = Date.UTC(2026, 0, 1) / 1000

export function mappingOf(table: Record<string, string[]>): Mapping {
  return new Map(Object.entries(table).map(([name, words]) => [name, standingOf(words)]))
}

export function testIssuer(
  name: string,
  given: Partial<Issuer> = {},
  algorithm: 'RS256' | 'ES256' = 'RS256',
): TestIssuer {
  const { privateKey, publicKey } =
    algorithm === 'RS256'
      ? generateKeyPairSync('rsa', { modulusLength: 2048 })
      : generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const jwk = { ...publicKey.export({ format: 'jwk' }), kid: `${name}#1`, use: 'sig' }
  const source: KeySetSource = {
    place: name,
    load: async () => {
      made.loads += 1
      if (made.document instanceof Error) throw made.document
      return made.document
    },
  }
  const made: TestIssuer = {
    issuer: { ...plainIssuer(name), algorithm, keys: source, ...given },
    ...{ jwk, privateKey, publicKey },
    document: { keys: [jwk] },
    loads: 0,
    sign: async (claims = {}, header = {}) => {
      return await signed(privateKey, claimsOf(name, claims), {
        alg: algorithm,
        kid: jwk.kid,
        ...header,
      })
    },
  }
  return made
}

export function secretIssuer(name: string, secret: string, given: Partial<Issuer> = {}) {
  const key = createSecretKey(Buffer.from(secret))
  return {
    issuer: {
      ...plainIssuer(name),
      algorithm: 'HS256' as const,
      keys: { secret: Buffer.from(secret) },
      ...given,
    },
    sign: async (claims: Claims = {}, header: Record<string, unknown> = {}) =>
      await signed(key, claimsOf(name, claims), { alg: 'HS256', ...header }),
  }
}

function plainIssuer(name: string) {
  return {
    issuer: name,
    audiences: ['holdfast'],
    refreshSeconds: 300,
    skewSeconds: 30,
    claims: { subject: ['sub'], name: ['preferred_username'], email: ['email'] },
    maps: [{ claim: ['realm_access', 'roles'], mapping: mappingOf({ 'storage-user': ['USER'] }) }],
    always: noStanding,
    buckets: null,
  }
}

function claimsOf(iss: string, claims: Claims): Claims {
  return { iss, sub: 'u-1', aud: 'holdfast', iat: nowS, exp: nowS + 600, ...claims }
}

async function signed(key: KeyObject, claims: Claims, header: Record<string, unknown>) {
  const given = Object.entries(claims).filter(([, value]) => value !== undefined)
  const { alg, ...more } = header
  return await new SignJWT(Object.fromEntries(given))
    .setProtectedHeader({ alg: String(alg), ...more })
    .sign(key)
}

if (import.meta.main) {
  test('of a key set only public keys for the algorithm are taken', async () => {
    const rsa = testIssuer('a')
    const ec = testIssuer('b', {}, 'ES256')
    const jwk = { format: 'jwk' } as const
    const short = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey.export(jwk)
    const n = Buffer.from(short.n ?? '', 'base64url')
    const padded = Buffer.concat([Buffer.alloc(128), n]).toString('base64url')
    const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' }).publicKey.export(jwk)
    const document = {
      keys: [
        rsa.jwk,
        ec.jwk,
        { ...rsa.jwk, kid: 'for encryption', use: 'enc' },
        { ...rsa.jwk, kid: 'to encrypt with', key_ops: ['encrypt'] },
        { ...rsa.jwk, kid: 'for nothing', key_ops: 'verify' },
        { ...rsa.jwk, kid: 'to verify with', key_ops: ['verify'] },
        { ...rsa.jwk, kid: 'for another algorithm', alg: 'RS512' },
        { ...short, kid: 'short' },
        { ...short, n: padded, kid: 'short behind zeros' },
        ...['AQ', 'Ag', 'AAAB', 'AQAA', '', 'AA'].map(e => ({ ...rsa.jwk, e, kid: `e ${e}` })),
        { ...rsa.jwk, e: 'Aw', kid: 'three' },
        { ...ec.jwk, crv: 'P-384', kid: 'another curve' },
        { ...p384, kid: 'a key of another curve' },
        { ...p384, crv: 'P-256', kid: 'which says it is not' },
        { ...rsa.privateKey.export({ format: 'jwk' }), kid: 'private' },
        { kty: 'oct', k: 'c2VjcmV0', kid: 'secret' },
        { kty: 'EC', crv: 'P-256', x: 'AAAA', y: 'AAAA', kid: 'no point of the curve' },
        { kty: 'RSA', n: 5, e: 'AQAB', kid: 'n is a number' },
        'no key',
        null,
      ],
    }
    const { known, weak } = await readKeySet(document, 'RS256')
    assert.deepEqual(
      known.map(({ kid }) => kid),
      ['a#1', 'to verify with', 'three', 'private'],
    )
    const unit = ['AQ', 'Ag', 'AAAB', 'AQAA', '', 'AA'].map(e => `e ${e}`)
    assert.deepEqual(weak, ['short', 'short behind zeros', ...unit])
    assert.deepEqual(new Set(known.map(({ key }) => key.type)), new Set(['public']))
    assert.deepEqual(
      (await readKeySet(document, 'ES256')).known.map(({ kid }) => kid),
      ['b#1'],
    )
    for (const bad of [null, [], 'x', { keys: {} }, {}]) {
      await assert.rejects(readKeySet(bad, 'RS256'), /not a JWK set/)
    }
  })
}
