import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { JsonObject } from '@holdfast/core/records.ts'
import { getAssetByKey } from '../../assets/get.ts'
import { listAssets } from '../../assets/list.ts'
import { copyAsset, moveAsset } from '../../assets/move.ts'
import { removeAsset } from '../../assets/remove.ts'
import { updateAsset } from '../../assets/update.ts'
import { updateBucket } from '../../buckets/buckets.ts'
import { setBucketDocument } from '../../buckets/documents.ts'
import { getObject } from '../../objects/find-object.ts'
import { putObject } from '../../objects/put-object.ts'
import { stateOf } from '../../sharing/share-rights.ts'
import { createShare } from '../../sharing/shares.ts'
import {
  bytesOf,
  callOf,
  openTestStore,
  put,
  refused,
  type TestStore,
} from '../../test-store.test.ts'
import { openVersion } from '../../versions/open.ts'
import { rollbackVersion } from '../../versions/rollback.ts'
import { explainAccess } from '../explain.ts'
import { createKey } from '../keys/keys.ts'

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/tagging-and-policies.html */
const bucket = 'photos'
const holder = callOf({ permissions: ['assets:*', 'versions:*', 'metadata:*'] })
const secret = [{ key: 'class', value: 'secret' }]

const deny = async ({ engine, call }: TestStore, action: string, condition: JsonObject) => {
  const statement = {
    Effect: 'Deny',
    Principal: '*',
    Action: action,
    Resource: ['arn:aws:s3:::photos', 'arn:aws:s3:::photos/*'],
    Condition: condition,
  }
  const document = { Version: '2012-10-17', Statement: [statement] }
  await setBucketDocument(engine, call, { bucket, name: 'policy', document })
}

const isSecret = { StringEquals: { 's3:ExistingObjectTag/class': 'secret' } }
const isNotOpen = { StringNotEquals: { 's3:ExistingObjectTag/class': 'open' } }

async function tagged({ engine, call }: TestStore, key: string, value?: string): Promise<void> {
  const tags = value === undefined ? [] : [{ key: 'class', value }]
  await putObject(engine, call, { bucket, key, source: bytesOf(key), facets: { tags } })
}

/** What both doors show of the keys, which must be the same. */
async function shown({ engine }: TestStore, keys: readonly string[]): Promise<string[]> {
  const { items, total } = await listAssets(engine, holder, { bucket })
  assert.equal(items.length, total)
  const seen: string[] = []
  for (const key of keys) {
    const rest = await getAssetByKey(engine, holder, bucket, key).catch(() => undefined)
    const about = { bucket, key, action: 's3:GetObject' } as const
    const s3 = await getObject(engine, holder, about).catch(() => undefined)
    assert.equal(rest?.key, s3?.asset.key, key)
    const question = { bucket, key, permission: 'assets:read' } as const
    const { allowed } = await explainAccess(engine, holder, question)
    assert.equal(allowed, rest !== undefined, `${key} is explained as it is decided`)
    if (rest !== undefined) seen.push(key)
  }
  assert.deepEqual(items.map(({ key }) => key).sort(), seen)
  return seen
}

describe('a policy that asks for tags of objects', () => {
  it('keeps what is tagged so from every door, and nothing else', async () => {
    await using opened = await openTestStore()
    const { engine } = opened
    await tagged(opened, 'open', 'open')
    await tagged(opened, 'secret', 'secret')
    await put(opened, 'untagged', 'x')
    const keys = ['open', 'secret', 'untagged']
    await deny(opened, 's3:GetObject', isSecret)
    assert.deepEqual(await shown(opened, keys), ['open', 'untagged'])
    await deny(opened, 's3:*', isSecret)
    assert.deepEqual(await shown(opened, keys), ['open', 'untagged'])
    const open = await getAssetByKey(engine, holder, bucket, 'open')
    const kept = await engine.catalog.view.assets.byKey(open.bucketId, 'secret')
    const told = updateAsset(engine, holder, kept?.id ?? '', { name: 'x' })
    await assert.rejects(told, refused('ASSET_NOT_FOUND', { asset_id: kept?.id }))
    const plain = await getAssetByKey(engine, holder, bucket, 'untagged')
    await put({ engine, call: holder }, 'untagged', 'again')
    await put({ engine, call: holder }, 'new', 'x')
    await copyAsset(engine, holder, plain.id, { key: 'copied' })
    await removeAsset(engine, holder, plain.id)
    const sharer = { name: 'sharer', permissions: ['assets:*', 'metadata:*'] }
    const { key } = await createKey(engine, opened.call, sharer)
    for (const target of [{ assetId: open.id }, { bucket, prefix: '' }]) {
      const { share } = await createShare(engine, callOf({ ...sharer, id: key.id }), { target })
      assert.equal(await stateOf(engine, share), 'live')
    }
    // What is absent meets a negative condition, as at AWS.
    await deny(opened, 's3:GetObject', isNotOpen)
    assert.deepEqual(await shown(opened, ['new', ...keys]), ['open'])
  })

  it('goes by the tags of the version that is read, and keeps what is in the trash', async () => {
    await using opened = await openTestStore()
    const { engine, call } = opened
    await updateBucket(engine, call, bucket, { versioning: 'enabled' })
    const first = { bucket, key: 'k', source: bytesOf('secret'), facets: { tags: secret } }
    await putObject(engine, call, first)
    await tagged(opened, 'k')
    await tagged(opened, 'k', 'open')
    await deny(opened, 's3:GetObject*', isSecret)
    const asset = await getAssetByKey(engine, holder, bucket, 'k')
    assert.equal(asset.versionNumber, 3)
    const open = (version: number) => openVersion(engine, holder, { asset, version })
    await open(3)
    await open(2)
    const hidden = refused('ASSET_NOT_FOUND', { asset_id: asset.id })
    await assert.rejects(open(1), hidden)
    const roll = (version: number) =>
      rollbackVersion(engine, holder, { assetId: asset.id, version })
    await roll(2)
    await assert.rejects(roll(1), hidden)
    await removeAsset(engine, call, asset.id)
    assert.equal((await listAssets(engine, holder, { bucket, deleted: 'only' })).total, 0)
  })

  it('lets no copy carry tags that another door took off the record alone', async () => {
    await using opened = await openTestStore()
    const { engine, call } = opened
    await tagged(opened, 'k', 'secret')
    const { id } = await getAssetByKey(engine, call, bucket, 'k')
    await updateAsset(engine, call, id, { tags: [] })
    await deny(opened, 's3:GetObjectTagging', {})
    await assert.rejects(copyAsset(engine, holder, id, { key: 'copied' }), refused('FORBIDDEN'))
  })

  it('lets no copy or move bring tags where none may be put', async () => {
    await using opened = await openTestStore()
    const { engine, call } = opened
    await tagged(opened, 'k', 'secret')
    await putObject(engine, holder, { bucket, key: 'bare', source: bytesOf('x'), facets: {} })
    await deny(opened, 's3:PutObjectTagging', {})
    const copy = async (key: string) => {
      const { id } = await getAssetByKey(engine, call, bucket, key)
      return await copyAsset(engine, holder, id, { key: `${key}-copied` })
    }
    await assert.rejects(copy('k'), refused('FORBIDDEN'))
    await copy('bare')
    const move = async (from: string) => {
      const { id } = await getAssetByKey(engine, call, bucket, from)
      return await moveAsset(engine, holder, id, { key: `${from}-moved` })
    }
    await assert.rejects(move('k'), refused('FORBIDDEN'))
    await move('bare')
  })
})
