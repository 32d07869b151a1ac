import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import type { Principal } from '@holdfast/core/principal.ts'
import { openTestStore, refused, type TestStore } from '../../../test-store.test.ts'
import { authenticateToken } from '../../sessions/authenticate-token.ts'
import { IssuerKeys } from './issuer-keys.ts'
import { testIssuer } from './test-issuer.test.ts'

const none = new AbortController().signal

async function enter({ engine }: TestStore, token: string): Promise<Principal> {
  return await authenticateToken(engine, token)
}

test('keys come in the background, sooner after an unknown one', async () => {
  const idp = testIssuer('https://idp.example.org')
  const told: string[] = []
  await using opened = await openTestStore({
    outside: { issuers: [idp.issuer], onProblem: place => told.push(place) },
  })
  const { engine, clock } = opened
  const token = await idp.sign()
  await assert.rejects(enter(opened, token), refused('IDENTITY_UNAVAILABLE'))
  const stop = new AbortController()
  const watching = engine.identity.issuers.watch(stop.signal)
  const settle = async () => await new Promise(resolve => setTimeout(resolve, 20))
  await settle()
  await enter(opened, token)
  const next = { ...idp.jwk, kid: 'next' }
  idp.document = { keys: [next] }
  for (let n = 0; n < 20; n += 1) {
    await assert.rejects(
      enter(opened, await idp.sign({ jti: String(n) }, { kid: 'next' })),
      refused('UNAUTHENTICATED'),
    )
  }
  assert.equal(idp.loads, 1)
  await clock.advance(30_000)
  await settle()
  assert.equal(idp.loads, 2)
  await enter(opened, await idp.sign({}, { kid: 'next' }))
  // The key that signed it is withdrawn, and the token was remembered.
  await assert.rejects(enter(opened, token), refused('UNAUTHENTICATED'))
  // While the set cannot be loaded the keys there are stay good, for a day.
  idp.document = new Error('down')
  await clock.advance(3_600_000)
  const late = async () => {
    const s = clock.now() / 1000
    return await idp.sign({ iat: s, exp: s + 600 }, { kid: 'next' })
  }
  await enter(opened, await late())
  assert.ok(told.length > 0)
  await clock.advance(24 * 3_600_000)
  await assert.rejects(enter(opened, await late()), refused('IDENTITY_UNAVAILABLE'))
  idp.document = { keys: [next] }
  await clock.advance(60_000)
  await settle()
  await enter(opened, await late())
  const { success, failed } = engine.identity.counts.checks.get(idp.issuer.issuer) ?? assert.fail()
  assert.deepEqual([success + failed, failed], [idp.loads, told.length])
  stop.abort()
  await watching
})

test('a set without a key that can be used takes all of them back at once', async () => {
  const idp = testIssuer('https://idp.example.org')
  const told: string[] = []
  await using opened = await openTestStore({
    outside: { issuers: [idp.issuer], onProblem: (_, error) => told.push(String(error)) },
  })
  const { issuers, counts } = opened.engine.identity
  const keys = issuers.get(idp.issuer.issuer)?.keys
  assert.ok(keys instanceof IssuerKeys)
  const good = { keys: [idp.jwk] }
  const token = await idp.sign()
  const unread = Array.from({ length: 101 }, () => ({}))
  // Of what is no set, or is not read to its end, nothing follows.
  for (const document of [{ keys: {} }, null, new Error('down'), { keys: unread }]) {
    idp.document = good
    await keys.load(none)
    idp.document = document
    assert.equal(await keys.load(none), false)
    await enter(opened, token)
  }
  const other = testIssuer('https://idp.example.org', {}, 'ES256')
  told.splice(0)
  for (const document of [{ keys: [] }, { keys: [other.jwk] }]) {
    idp.document = good
    await keys.load(none)
    await enter(opened, token)
    idp.document = document
    // Asked again soon, as after a failure.
    assert.equal(await keys.load(none), false)
    await assert.rejects(enter(opened, token), refused('UNAUTHENTICATED'))
    await assert.rejects(enter(opened, await idp.sign({ jti: '2' })), refused('UNAUTHENTICATED'))
    assert.deepEqual(told.splice(0), ['Error: no key for RS256 in the set'])
  }
  assert.equal(counts.checks.get(idp.issuer.issuer)?.failed, 6)
})

test('a key that anybody can sign for is not taken, and told once', async () => {
  const idp = testIssuer('https://idp.example.org')
  const told: string[] = []
  await using opened = await openTestStore({
    outside: { issuers: [idp.issuer], onProblem: (_, error) => told.push(String(error)) },
  })
  const keys = opened.engine.identity.issuers.get(idp.issuer.issuer)?.keys
  assert.ok(keys instanceof IssuerKeys)
  const weak = { ...idp.jwk, e: 'AQ', kid: 'weak' }
  idp.document = { keys: [idp.jwk, weak] }
  await keys.load(none)
  await keys.load(none)
  assert.deepEqual(told, ['Error: keys too weak to be taken: ["weak"]'])
  await enter(opened, await idp.sign())
  // The signature of an exponent of 1 is the padded hash of what it signs.
  const { 1: claims } = (await idp.sign()).split('.')
  const head = Buffer.from(JSON.stringify({ alg: 'RS256', kid: 'weak' })).toString('base64url')
  const info = Buffer.from('3031300d060960864801650304020105000420', 'hex')
  const hashed = createHash('sha256').update(`${head}.${claims}`).digest()
  const fill = Buffer.alloc(256 - 3 - info.length - hashed.length, 0xff)
  const block = [Buffer.from([0, 1]), fill, Buffer.from([0]), info, hashed]
  const forged = `${head}.${claims}.${Buffer.concat(block).toString('base64url')}`
  await assert.rejects(enter(opened, forged), refused('UNAUTHENTICATED'))
  idp.document = { keys: [weak] }
  await keys.load(none)
  assert.equal(told.at(-1), 'Error: no key for RS256 in the set that is not too weak: ["weak"]')
})
