import assert from 'node:assert/strict'
import { cp, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import type { AccessKey } from '@holdfast/core/objects.ts'
import { TOTP, URI } from 'otpauth'
import { createAccessKey, findAccessKey, revokeAccessKey } from '../access/keys/access-keys.ts'
import { openWith } from '../access/keys/access-secret.ts'
import { openLink, presignDownload } from '../access/links/presign.ts'
import { openTestStore, put, refused, type TestStore } from '../test-store.test.ts'
import { changeSecret } from './change-secret.ts'
import { openFactor, stepOf } from './factors/check-code.ts'
import { beginFactor, confirmFactor } from './factors/second-factor.ts'
import { openText } from './seal.ts'
import { authenticateToken } from './sessions/authenticate-token.ts'
import { login, refresh } from './sessions/login.ts'
import { createUser } from './users/users.ts'

const password = 'Correct-Horse-7-Battery'
const origin = { ip: '192.0.2.1', agent: 'test' }
const { signal } = new AbortController()
const begun = { newSecret: true }

/** One of everything that the secret of the store seals or signs. */
async function started() {
  const opened = await openTestStore()
  const { engine, call } = opened
  const person = (username: string) =>
    createUser(engine, call, { username, password, roles: ['USER'], mustChangePassword: false })
  const [ann, bob] = [await person('ann'), await person('bob')]
  const { tokens } = await login(engine, { name: 'bob', password }, origin)
  const apps = new Map<string, TOTP>()
  for (const { id, username: name } of [ann, bob]) {
    const app = URI.parse((await beginFactor(engine, call, { name, password })).uri)
    assert.ok(app instanceof TOTP)
    apps.set(id, app)
  }
  const code = apps.get(ann.id)?.generate({ timestamp: opened.clock.now() }) ?? ''
  await confirmFactor(engine, call, { name: 'ann', password, code })
  const pairs = new Map<string, string>()
  for (const name of ['kept', 'ended']) {
    const wanted = { name, userId: null, permissions: ['assets:read'] }
    const { key, secret } = await createAccessKey(engine, call, wanted)
    pairs.set(key.id, secret)
    if (name === 'ended') await revokeAccessKey(engine, call, key.id)
  }
  const { asset } = await put(opened, 'a.txt', 'hello')
  const { token } = await presignDownload(engine, call, { assetId: asset.id })
  await openLink(engine, token, 'GET')
  return { opened, apps, pairs, tokens, link: token, assetId: asset.id }
}

type Started = Awaited<ReturnType<typeof started>>

/** S3 keys sign and second factors count, as they did. */
async function checkUse({ engine, clock }: TestStore, { apps, pairs }: Started): Promise<void> {
  clock.jump(30_000)
  for (const [id, secret] of pairs) {
    const key = await engine.catalog.view.accessKeys.byId(id)
    const found = await findAccessKey(engine, id)
    assert.equal(found?.secret.text, key?.revokedAt === null ? secret : undefined)
  }
  for (const [id, app] of apps) {
    const user = await engine.catalog.view.identities.byId('user', id)
    assert.ok(user?.secondFactor)
    const code = app.generate({ timestamp: clock.now() })
    assert.ok(stepOf(engine, { user, factor: user.secondFactor }, code) !== undefined)
  }
}

/** How many records a secret opens: access keys, second factors, signing keys. */
async function openedBy({ engine }: TestStore, secret: Uint8Array): Promise<number[]> {
  const { accessKeys, identities } = engine.catalog.view
  const users = await identities.list({ kind: 'user', limit: 100 })
  const keys = await identities.list({ kind: 'signing_key', limit: 100 })
  const factors = users.map(({ id, secondFactor }) =>
    openFactor(id, secondFactor?.sealedSecret ?? '', secret),
  )
  const signing = keys.map(key => openText(key.sealedPrivate, { purpose: 'signing-key', secret }))
  const opens = (key: AccessKey) => openWith(secret, key)
  const texts = [(await accessKeys.list()).map(opens), factors, signing]
  return texts.map(ofKind => ofKind.filter(text => text !== undefined).length)
}

async function change({ engine, store }: TestStore, revokeS3Keys = false) {
  const dropFormer = () => store.dropFormer()
  return await changeSecret(engine, { signal, revokeS3Keys, dropFormer })
}

async function markerOf({ dir }: TestStore): Promise<Record<string, unknown>> {
  return JSON.parse(await readFile(`${dir}/data/holdfast.json`, 'utf8'))
}

test('what was sealed opens by the new secret alone; what was signed is refused', async () => {
  const before = await started()
  const { link, tokens } = before
  const former = before.opened.engine.settings.linkSecret
  const { format: plain, ...marker } = await markerOf(before.opened)
  assert.equal(plain, 1)
  assert.deepEqual(await openedBy(before.opened, former), [2, 2, 1])
  let opened = await before.opened.reopen(undefined, begun)
  assert.deepEqual(await change(opened), {
    ...{ accessKeys: 2, factors: 2, signingKeys: 1 },
    ...{ openKeys: 1, revokedKeys: 0, lost: [] },
  })
  opened = await opened.reopen(undefined, {})
  await using _ = opened
  const { engine } = opened
  assert.equal(engine.settings.formerSecret, undefined)
  const sealing = Buffer.from(engine.settings.linkSecret).toString('hex')
  assert.deepEqual(await markerOf(opened), { ...marker, format: 2, sealing: [sealing] })
  assert.notEqual(sealing, marker.secret)
  assert.deepEqual(await openedBy(opened, former), [0, 0, 0])
  assert.deepEqual(await openedBy(opened, engine.settings.linkSecret), [2, 2, 1])
  await checkUse(opened, before)
  await assert.rejects(openLink(engine, link, 'GET'), refused('LINK_INVALID'))
  const taken = async () => await authenticateToken(engine, tokens.accessToken)
  await assert.rejects(taken, refused('UNAUTHENTICATED'))
  await assert.rejects(refresh(engine, tokens.refreshToken, origin), refused('UNAUTHENTICATED'))
  const { token } = await presignDownload(engine, opened.call, { assetId: before.assetId })
  await openLink(engine, token, 'GET')
  // The log of audits goes on with the first secret: rows of before are proved as ever.
  const fresh = await openTestStore()
  await using __ = fresh
  assert.equal(engine.auditKeys.ofStore.id, before.opened.engine.auditKeys.ofStore.id)
  assert.notEqual(engine.auditKeys.ofStore.id, fresh.engine.auditKeys.ofStore.id)
})

test('a change that was cut off leaves a store that opens all, and another ends it', async () => {
  const before = await started()
  const { settings } = before.opened.engine
  let opened = await before.opened.reopen(undefined, begun)
  opened = await opened.reopen(undefined, {})
  const [first] = (await markerOf(opened)).sealing as string[]
  assert.deepEqual(opened.engine.settings.formerSecret, settings.linkSecret)
  await checkUse(opened, before)
  // Links of before are refused from the beginning, and what is sealed meanwhile is sealed anew.
  await assert.rejects(openLink(opened.engine, before.link, 'GET'), refused('LINK_INVALID'))
  const wanted = { name: 'meanwhile', userId: null, permissions: ['assets:read'] }
  const { key, secret } = await createAccessKey(opened.engine, opened.call, wanted)
  before.pairs.set(key.id, secret)
  opened = await opened.reopen(undefined, begun)
  assert.equal(((await markerOf(opened)).sealing as string[])[0], first)
  const { accessKeys, factors } = await change(opened)
  assert.deepEqual([accessKeys, factors], [2, 2])
  const again = await change(opened)
  assert.deepEqual([again.accessKeys, again.factors, again.signingKeys], [0, 0, 0])
  opened = await opened.reopen(undefined, {})
  await using _ = opened
  assert.deepEqual((await markerOf(opened)).sealing, [first])
  await checkUse(opened, before)
})

test('rebuild, an older catalog and a second change find everything', async () => {
  const before = await started()
  const { dir, engine } = before.opened
  const secrets = [engine.settings.linkSecret]
  let opened = await before.opened.reopen(undefined, {})
  await cp(`${dir}/data/catalog.db`, `${dir}/older.db`)
  for (const _ of [1, 2]) {
    opened = await opened.reopen(undefined, begun)
    await change(opened)
    secrets.push(opened.engine.settings.linkSecret)
  }
  opened = await opened.reopen('rebuild', {})
  await checkUse(opened, before)
  opened = await opened.reopen({ catalog: `${dir}/older.db` }, {})
  await using _ = opened
  assert.ok(opened.store.recovery.batches > 3)
  await checkUse(opened, before)
  const now = secrets.pop()
  assert.ok(now)
  assert.deepEqual((await openedBy(opened, now)).slice(0, 2), [2, 2])
  for (const secret of secrets) assert.deepEqual(await openedBy(opened, secret), [0, 0, 0])
})

test('what no secret opens is told and left; S3 keys are revoked where that is asked', async () => {
  const before = await started()
  const { engine } = before.opened
  const [kept = '', ended = ''] = before.pairs.keys()
  let opened = await before.opened.reopen(undefined, begun)
  const foreign = { ...opened.engine.settings, formerSecret: new Uint8Array(32) }
  const [ann = '', bob = ''] = before.apps.keys()
  const blind = { ...opened.engine, settings: foreign }
  const { lost } = await changeSecret(blind, { signal, revokeS3Keys: true, dropFormer: () => {} })
  const factors = [`second factor of ${ann}`, `second factor of ${bob}`]
  const keys = [`access key ${kept}`, `access key ${ended}`].sort()
  assert.deepEqual([...lost].sort(), [...keys, ...factors.sort()])
  assert.equal(await findAccessKey(opened.engine, kept), undefined)
  opened = await opened.reopen(undefined, begun)
  await using _ = opened
  assert.deepEqual(await openedBy(opened, engine.settings.linkSecret), [2, 2, 0])
  const told = await change(opened, true)
  assert.deepEqual([told.openKeys, told.revokedKeys, told.accessKeys], [0, 0, 2])
})

/**
 * A change seals anew what it knows of. Whoever seals something that is kept names it here, and
 * sees to it that `changeSecret` finds it.
 */
const sealers: Readonly<Record<string, string>> = {
  'access/keys/access-keys.ts': 'access keys: sealed anew',
  'access/keys/access-secret.ts': 'defines it',
  'access/links/presign.ts': 'links: refused from then on',
  'assets/list-cursor.ts': 'cursors: refused from then on',
  'engine.ts': 'hands it on',
  'identity/change-secret.ts': 'seals anew',
  'identity/factors/challenge.ts': 'challenges of logins: refused from then on',
  'identity/factors/check-code.ts': 'second factors: sealed anew',
  'identity/seal.ts': 'defines it',
  'identity/sessions/key-ring.ts': 'signing keys: replaced',
}

test('whatever is sealed with the secret of the store is known', async () => {
  const root = join(import.meta.dirname, '..')
  const found: string[] = []
  for (const name of await readdir(root, { recursive: true })) {
    if (!name.endsWith('.ts') || name.endsWith('.test.ts')) continue
    const text = await readFile(join(root, name), 'utf8')
    if (/linkSecret|sealText|sealSecret/.test(text)) found.push(name)
  }
  assert.deepEqual(found.sort(), Object.keys(sealers).sort())
})
