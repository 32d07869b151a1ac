import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { openStore } from '@holdfast/drivers/open.ts'
import { createAccessKey } from '@holdfast/engine/access/keys/access-keys.ts'
import { openSecret } from '@holdfast/engine/access/keys/access-secret.ts'
import { openLink, presignUpload } from '@holdfast/engine/access/links/presign.ts'
import { type Engine, ensureBuckets, openEngine, systemCall } from '@holdfast/engine/engine.ts'
import { changeSecret } from '@holdfast/engine/identity/change-secret.ts'
import { stepOf } from '@holdfast/engine/identity/factors/check-code.ts'
import { beginFactor } from '@holdfast/engine/identity/factors/second-factor.ts'
import { login } from '@holdfast/engine/identity/sessions/login.ts'
import { createUser } from '@holdfast/engine/identity/users/users.ts'
import { transactions } from '@holdfast/engine/transactions.ts'
import { CrashDisk, type CrashDiskOptions } from '@holdfast/testkit/crash-disk.ts'
import { FakeClock } from '@holdfast/testkit/fake-clock.ts'
import { SeededRandom } from '@holdfast/testkit/seeded-random.ts'
import { CatalogPlaces } from '@holdfast/torture/crash-disk/engine-lab.ts'
import { journaling, seed, strict } from '@holdfast/torture/crash-disk/store-lab.ts'

const password = 'Correct-Horse-7-Battery'
const call = systemCall('test')
const how = { signal: call.signal, revokeS3Keys: false }

interface Place {
  readonly disk: CrashDisk
  readonly catalogDir: string
}

async function open({ disk, catalogDir }: Place, newSecret = false) {
  const clock = new FakeClock()
  const random = new SeededRandom(disk.ops + 1)
  const store = await openStore({
    ...{ dir: '/data', disk, transactions, clock, random, newSecret, reservedBytes: 0 },
    catalogPath: join(catalogDir, 'catalog.db'),
    layOutBytes: 16_384,
  })
  const { catalog, element, secret, linkSecret, formerSecret } = store
  const settings = { linkSecret, formerSecret, auditSecret: secret }
  const identity = { passwordCost: 4 }
  return { store, engine: openEngine({ catalog, element, clock, random, settings, identity }) }
}

/** What must be as it was, whenever the change is cut off. */
interface Kept {
  readonly pairs: ReadonlyMap<string, string>
  readonly userId: string
  readonly link: string
}

async function prepare(place: Place): Promise<Kept> {
  const { store, engine } = await open(place)
  await ensureBuckets(engine, ['photos'])
  const person = { username: 'ann', password, roles: ['USER'], mustChangePassword: false }
  const { id: userId } = await createUser(engine, call, person)
  await login(engine, { name: 'ann', password }, { ip: '192.0.2.1', agent: 'test' })
  await beginFactor(engine, call, { name: 'ann', password })
  const pairs = new Map<string, string>()
  for (const name of ['one', 'two', 'three']) {
    const wanted = { name, userId: null, permissions: ['assets:read'] }
    const { key, secret } = await createAccessKey(engine, call, wanted)
    pairs.set(key.id, secret)
  }
  const upload = { bucket: 'photos', key: 'k', sizeMax: 9, service: 'test', ownerId: userId }
  const { token } = await presignUpload(engine, call, upload)
  await store.close()
  return { pairs, userId, link: token }
}

async function checkAll(engine: Engine, { pairs, userId }: Kept): Promise<void> {
  const { accessKeys, identities } = engine.catalog.view
  for (const [id, secret] of pairs) {
    const key = await accessKeys.byId(id)
    assert.ok(key)
    assert.equal(openSecret(engine, key), secret)
  }
  const user = await identities.byId('user', userId)
  assert.ok(user?.secondFactor)
  // It throws where the seed cannot be opened; which codes are good is not asked here.
  stepOf(engine, { user, factor: user.secondFactor }, 'none')
}

async function change(place: Place): Promise<void> {
  const { store, engine } = await open(place, true)
  try {
    await changeSecret(engine, { ...how, dropFormer: () => store.dropFormer() })
  } finally {
    await store.close()
  }
}

interface Tally {
  untouched: number
  underWay: number
  ended: number
}

/** Opens with all that it had, and another run of the change ends it. */
async function checkLeft(place: Place, kept: Kept, tally: Tally): Promise<void> {
  const left = await open(place)
  const { formerSecret, linkSecret, secret } = left.store
  const isUntouched = Buffer.compare(linkSecret, secret) === 0
  await checkAll(left.engine, kept)
  const used = openLink(left.engine, kept.link, 'PUT')
  if (isUntouched) await used
  else await assert.rejects(used, { code: 'LINK_INVALID' })
  assert.ok(!isUntouched || formerSecret === undefined)
  tally[isUntouched ? 'untouched' : formerSecret === undefined ? 'ended' : 'underWay'] += 1
  await left.store.close()
  if (!isUntouched && formerSecret === undefined) return
  await change(place)
  const { store, engine } = await open(place)
  assert.equal(store.formerSecret, undefined)
  await checkAll(engine, kept)
  await assert.rejects(openLink(engine, kept.link, 'PUT'), { code: 'LINK_INVALID' })
  await store.close()
}

/** At every call that changes the disk: the process is killed there, or the power goes. */
async function sweep(flavour: CrashDiskOptions): Promise<Tally & { readonly cuts: number }> {
  using places = new CatalogPlaces()
  const first = { disk: new CrashDisk(flavour), catalogDir: places.fresh() }
  const kept = await prepare(first)
  const random = new SeededRandom(seed)
  const left: Place[] = []
  const seen = new Set<string>()
  let cuts = 0
  const take = (n: number) => {
    cuts += 1
    for (const name of ['keep', undefined] as const) {
      const crashed = disk.crashed(random.fork(n), name)
      // A cut may take any of the catalog: the present one, or none, which is made again.
      for (const catalogDir of [places.copy(first.catalogDir), places.fresh()]) {
        if (name === 'keep' || !seen.has(crashed.digest()))
          left.push({ disk: crashed.copy(flavour), catalogDir })
      }
      seen.add(crashed.digest())
    }
  }
  const disk: CrashDisk = first.disk.copy({ ...flavour, before: take })
  await change({ disk, catalogDir: first.catalogDir })
  take(disk.ops + 1)
  const tally = { untouched: 0, underWay: 0, ended: 0 }
  for (const place of left) await checkLeft(place, kept, tally)
  return { ...tally, cuts }
}

for (const flavour of [strict, journaling]) {
  test(`a change of the secret that is cut off, ${flavour.flavour}, seed ${seed}`, async t => {
    const tally = await sweep(flavour)
    t.diagnostic(JSON.stringify(tally))
    const { untouched, underWay, ended } = tally
    assert.ok(untouched > 0 && underWay > 0 && ended > 0, JSON.stringify(tally))
  })
}
