import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { describe, it } from 'node:test'
import { getAssetByKey } from '../assets/get.ts'
import { listAssets } from '../assets/list.ts'
import { removeAssetByKey, restoreAsset } from '../assets/remove.ts'
import { createBucket, updateBucket } from '../buckets/buckets.ts'
import {
  bytesOf,
  openTestStore,
  put,
  refusedWith,
  type TestStore,
  textOf,
} from '../test-store.test.ts'
import { copyObject, renameObject } from './copy-object.ts'
import { getObject } from './find-object.ts'
import { listObjects, listObjectVersions } from './list-objects.ts'
import { setObjectTags } from './object-settings.ts'
import { putObject } from './put-object.ts'
import { readObject } from './read-object.ts'
import { removeObject, removeObjects } from './remove-object.ts'

export async function putText(
  { engine, call }: TestStore,
  key: string,
  text: string,
  more: Partial<Parameters<typeof putObject>[2]> = {},
) {
  const source = bytesOf(text)
  return putObject(engine, call, { bucket: 'plain', key, source, facets: {}, ...more })
}

async function withBucket(versioning: 'enabled' | 'disabled' | 'suspended'): Promise<TestStore> {
  const opened = await openTestStore()
  const { engine, call } = opened
  await createBucket(engine, call, { name: 'plain', settings: { versioning } })
  return opened
}

async function read({ engine, call }: TestStore, key: string, versionId?: string) {
  const object = await getObject(engine, call, { bucket: 'plain', key, versionId })
  return textOf(await readObject(engine, object))
}

async function versions({ engine, call }: TestStore) {
  const list = await listObjectVersions(engine, call, { bucket: 'plain', limit: 1000 })
  return list.versions.map(({ asset, versionId, isLatest, isMarker }) => [
    asset.key,
    versionId === 'null' ? 'null' : 'id',
    isMarker ? 'marker' : 'content',
    isLatest,
  ])
}

const at = (key: string, versionId?: string) => ({ bucket: 'plain', key, versionId })

describe('objects in a bucket that never versioned', () => {
  it('are replaced, and deleted without a trace for S3, but not for the trash', async () => {
    await using opened = await withBucket('disabled')
    const { engine, call } = opened
    const first = await putText(opened, 'a', 'one')
    assert.equal(first.versionId, 'null')
    assert.equal(first.etag, hash('md5', 'one'))
    await putText(opened, 'a', 'two')
    assert.deepEqual(await versions(opened), [['a', 'null', 'content', true]])
    assert.equal(await read(opened, 'a', 'null'), 'two')
    const removed = await removeObject(engine, call, at('a'))
    assert.deepEqual(removed, { deleteMarker: false, versionId: null })
    await refusedWith(getObject(engine, call, at('a')), 'ASSET_NOT_FOUND')
    assert.deepEqual(await versions(opened), [])
    const trash = await listAssets(engine, call, { bucket: 'plain', deleted: 'only' })
    assert.equal(trash.total, 1)
    await restoreAsset(engine, call, trash.items[0]?.id ?? '')
    assert.equal(await read(opened, 'a'), 'two')
  })

  it('do not mind deletes of what is not there', async () => {
    await using opened = await withBucket('disabled')
    const { engine, call } = opened
    const nothing = { deleteMarker: false, versionId: null }
    assert.deepEqual(await removeObject(engine, call, at('none')), nothing)
    assert.deepEqual(await removeObject(engine, call, at('none', 'null')), nothing)
    await refusedWith(removeObject(engine, call, at('none', 'x')), 'VALIDATION_ERROR')
  })

  it('get new times and facts from the same bytes', async () => {
    await using opened = await withBucket('disabled')
    const first = await putText(opened, 'a', 'same', { facets: { userMetadata: { one: '1' } } })
    await opened.clock.advance(5000)
    const second = await putText(opened, 'a', 'same', { facets: { userMetadata: { two: 'zwö' } } })
    assert.notEqual(second.version.createdAt, first.version.createdAt)
    assert.deepEqual(second.facets.userMetadata, { two: 'zwö' })
    const asset = await getAssetByKey(opened.engine, opened.call, 'plain', 'a')
    assert.deepEqual(asset.metadata, { two: 'zwö' })
  })
})

describe('objects in a versioned bucket', () => {
  it('keep every put and hide behind markers', async () => {
    await using opened = await withBucket('enabled')
    const { engine, call } = opened
    const first = await putText(opened, 'a', 'one')
    const second = await putText(opened, 'a', 'one')
    assert.notEqual(first.versionId, second.versionId)
    const marker = await removeObject(engine, call, at('a'))
    assert.equal(marker.deleteMarker, true)
    await refusedWith(getObject(engine, call, at('a')), 'ASSET_NOT_FOUND')
    const markerId = marker.versionId ?? ''
    await refusedWith(getObject(engine, call, at('a', markerId)), 'VERSION_IS_MARKER')
    assert.equal(await read(opened, 'a', first.versionId), 'one')
    assert.deepEqual(await versions(opened), [
      ['a', 'id', 'marker', true],
      ['a', 'id', 'content', false],
      ['a', 'id', 'content', false],
    ])
    const again = await removeObject(engine, call, at('a'))
    assert.notEqual(again.versionId, markerId)
    assert.equal((await versions(opened)).length, 4)
  })

  it('come back when their marker is deleted, and fall back to older versions', async () => {
    await using opened = await withBucket('enabled')
    const { engine, call } = opened
    const first = await putText(opened, 'a', 'one')
    const second = await putText(opened, 'a', 'two')
    const { versionId } = await removeObject(engine, call, at('a'))
    const undone = await removeObject(engine, call, at('a', versionId ?? ''))
    assert.deepEqual(undone, { deleteMarker: true, versionId })
    assert.equal(await read(opened, 'a'), 'two')
    await removeObject(engine, call, at('a', second.versionId))
    assert.equal(await read(opened, 'a'), 'one')
    const asset = await getAssetByKey(engine, call, 'plain', 'a')
    assert.equal(asset.size, 3)
    await refusedWith(getObject(engine, call, at('a', second.versionId)), 'VERSION_NOT_FOUND')
    await removeObject(engine, call, at('a', first.versionId))
    assert.deepEqual(await versions(opened), [])
    const left = await listAssets(engine, call, { bucket: 'plain', deleted: 'with' })
    assert.equal(left.total, 0)
  })

  it('leave a marker where nothing was, and nothing when that goes', async () => {
    await using opened = await withBucket('enabled')
    const { engine, call } = opened
    const { versionId } = await removeObject(engine, call, at('none'))
    assert.deepEqual(await versions(opened), [['none', 'id', 'marker', true]])
    const [hidden] = (await listAssets(engine, call, { bucket: 'plain', deleted: 'only' })).items
    await refusedWith(restoreAsset(engine, call, hidden?.id ?? ''), 'VERSION_NOT_FOUND')
    await putText(opened, 'none', 'now')
    assert.equal(await read(opened, 'none'), 'now')
    await removeObject(engine, call, at('none', versionId ?? ''))
    assert.deepEqual(await versions(opened), [['none', 'id', 'content', true]])
  })

  it('keep a marker as the only version when all content is gone', async () => {
    await using opened = await withBucket('enabled')
    const { engine, call } = opened
    const { versionId } = await putText(opened, 'a', 'one')
    const marker = await removeObject(engine, call, at('a'))
    await removeObject(engine, call, at('a', versionId))
    assert.deepEqual(await versions(opened), [['a', 'id', 'marker', true]])
    await refusedWith(getObject(engine, call, at('a')), 'ASSET_NOT_FOUND')
    await removeObject(engine, call, at('a', marker.versionId ?? ''))
    assert.deepEqual(await versions(opened), [])
  })

  it('are what REST sees, deletes and writes', async () => {
    await using opened = await withBucket('enabled')
    const { engine, call } = opened
    await putText(opened, 'photos/cat.png', 'text', {
      facets: { headers: { contentType: 'image/png' }, tags: [{ key: 'animal', value: 'cat' }] },
    })
    const found = await listAssets(engine, call, { tagsAny: ['animal=cat'] })
    assert.equal(found.items[0]?.key, 'photos/cat.png')
    assert.notEqual(found.items[0]?.contentType, 'image/png', 'a browser is not told so')
    const object = await getObject(engine, call, at('photos/cat.png'))
    assert.equal(object.facets.headers?.contentType, 'image/png')
    await removeAssetByKey(engine, call, { bucket: 'plain', key: 'photos/cat.png' })
    await refusedWith(getObject(engine, call, at('photos/cat.png')), 'ASSET_NOT_FOUND')
    await put(opened, 'from-rest', 'x', { bucket: 'plain' })
    const rest = await getObject(engine, call, at('from-rest'))
    assert.match(rest.etag, /^[0-9a-f]{32}-1$/)
  })
})

describe('objects in a bucket with suspended versioning', () => {
  it('replace the null version only', async () => {
    await using opened = await withBucket('enabled')
    const { engine, call } = opened
    const kept = await putText(opened, 'a', 'kept')
    await updateBucket(engine, call, 'plain', { versioning: 'suspended' })
    assert.equal((await putText(opened, 'a', 'one')).versionId, 'null')
    assert.equal((await putText(opened, 'a', 'two')).versionId, 'null')
    assert.deepEqual(await versions(opened), [
      ['a', 'null', 'content', true],
      ['a', 'id', 'content', false],
    ])
    assert.equal(await read(opened, 'a', 'null'), 'two')
    assert.equal(await read(opened, 'a', kept.versionId), 'kept')
  })

  it('leave a null marker, which the next put replaces', async () => {
    await using opened = await withBucket('enabled')
    const { engine, call } = opened
    await putText(opened, 'a', 'kept')
    await updateBucket(engine, call, 'plain', { versioning: 'suspended' })
    await putText(opened, 'a', 'gone')
    const removed = await removeObject(engine, call, at('a'))
    assert.deepEqual(removed, { deleteMarker: true, versionId: 'null' })
    assert.deepEqual(await versions(opened), [
      ['a', 'null', 'marker', true],
      ['a', 'id', 'content', false],
    ])
    await removeObject(engine, call, at('a'))
    assert.equal((await versions(opened)).length, 2, 'a null marker replaces the other')
    await putText(opened, 'a', 'new')
    assert.deepEqual(await versions(opened), [
      ['a', 'null', 'content', true],
      ['a', 'id', 'content', false],
    ])
    await removeObject(engine, call, at('a', 'null'))
    assert.equal(await read(opened, 'a'), 'kept')
  })

  it('keep the null version of before versioning until it is replaced', async () => {
    await using opened = await withBucket('disabled')
    const { engine, call } = opened
    await putText(opened, 'a', 'before')
    await updateBucket(engine, call, 'plain', { versioning: 'enabled' })
    await putText(opened, 'a', 'versioned')
    assert.equal(await read(opened, 'a', 'null'), 'before')
    await updateBucket(engine, call, 'plain', { versioning: 'suspended' })
    await putText(opened, 'a', 'after')
    assert.deepEqual(await versions(opened), [
      ['a', 'null', 'content', true],
      ['a', 'id', 'content', false],
    ])
  })
})

describe('conditions and copies', () => {
  it('hold puts to ETags', async () => {
    await using opened = await withBucket('disabled')
    const none = { conditions: { ifNoneMatch: ['*'] } }
    const { etag } = await putText(opened, 'a', 'one', none)
    await refusedWith(putText(opened, 'a', 'two', none), 'PRECONDITION_FAILED')
    await refusedWith(
      putText(opened, 'a', 'two', { conditions: { ifMatch: ['0'.repeat(32)] } }),
      'PRECONDITION_FAILED',
    )
    await putText(opened, 'a', 'two', { conditions: { ifMatch: [etag] } })
    await refusedWith(
      putText(opened, 'b', 'two', { conditions: { ifMatch: ['*'] } }),
      'ASSET_NOT_FOUND',
    )
    const races = ['x', 'y', 'z'].map(text => putText(opened, 'race', text, none))
    const won = (await Promise.allSettled(races)).filter(({ status }) => status === 'fulfilled')
    assert.equal(won.length, 1)
  })

  it('copy metadata and tags, or take those of the request', async () => {
    await using opened = await withBucket('enabled')
    const { engine, call } = opened
    const facets = {
      headers: { contentType: 'text/x-own', cacheControl: 'no-cache' },
      userMetadata: { a: 'b' },
      tags: [{ key: 't', value: '1' }],
    }
    const source = await putText(opened, 'a', 'one', { facets })
    await putText(opened, 'a', 'newer')
    const from = at('a', source.versionId)
    const to = { bucket: 'plain', key: 'b' }
    const plain = await copyObject(engine, call, { from, to, replaceMetadata: false, facets: {} })
    assert.deepEqual(plain.object.facets, facets)
    assert.equal(plain.object.etag, source.etag)
    assert.equal(await read(opened, 'b'), 'one')
    const replaced = await copyObject(engine, call, {
      from,
      to,
      replaceMetadata: true,
      facets: { userMetadata: { c: 'd' } },
      tags: [],
      checksum: 'CRC64NVME',
    })
    assert.deepEqual(replaced.object.facets.userMetadata, { c: 'd' })
    assert.equal(replaced.object.facets.tags, undefined)
    assert.equal(replaced.object.facets.checksum?.algorithm, 'CRC64NVME')
    const itself = { from: at('a'), to: { bucket: 'plain', key: 'a' } }
    await refusedWith(
      copyObject(engine, call, { ...itself, replaceMetadata: false, facets: {} }),
      'VALIDATION_ERROR',
    )
    await refusedWith(
      copyObject(engine, call, {
        from,
        to,
        replaceMetadata: false,
        facets: {},
        sourceConditions: { ifNoneMatch: [source.etag] },
      }),
      'PRECONDITION_FAILED',
    )
  })

  it('rename an object with its history', async () => {
    await using opened = await withBucket('enabled')
    const { engine, call } = opened
    const old = await putText(opened, 'a', 'old')
    await putText(opened, 'a', 'new')
    await putText(opened, 'b', 'in the way')
    await renameObject(engine, call, { bucket: 'plain', from: 'a', to: 'b' })
    await refusedWith(getObject(engine, call, at('a')), 'ASSET_NOT_FOUND')
    assert.equal(await read(opened, 'b'), 'new')
    assert.equal(await read(opened, 'b', old.versionId), 'old')
  })

  it('change tags without a new version', async () => {
    await using opened = await withBucket('enabled')
    const { engine, call } = opened
    const { versionId } = await putText(opened, 'a', 'one')
    const tags = [{ key: 'grün', value: 'ja' }]
    await setObjectTags(engine, call, { ...at('a'), tags })
    const tagged = await getObject(engine, call, at('a'))
    assert.equal(tagged.versionId, versionId)
    assert.deepEqual(tagged.facets.tags, tags)
    assert.deepEqual(tagged.asset.tags, ['grün=ja'])
    await setObjectTags(engine, call, { ...at('a'), tags: null })
    assert.equal((await getObject(engine, call, at('a'))).facets.tags, undefined)
  })
})

describe('lists of objects', () => {
  const keys = [
    'a',
    'b/1',
    'b/2',
    'b//x',
    'c',
    'd/',
    'd/..',
    'd/%2F+ ',
    'é',
    '\u{ffff}',
    '\u{10000}',
  ]

  async function filled(): Promise<TestStore> {
    const opened = await withBucket('enabled')
    for (const key of keys) await putText(opened, key, key)
    return opened
  }

  const byBytes = (list: readonly string[]) =>
    list.toSorted((one, other) => Buffer.compare(Buffer.from(one), Buffer.from(other)))

  it('are in the order of UTF-8 bytes and lose nothing between pages', async () => {
    await using opened = await filled()
    const { engine, call } = opened
    for (const limit of [1, 2, 3, 1000]) {
      const found: string[] = []
      for (let after: string | undefined; ; ) {
        const page = await listObjects(engine, call, { bucket: 'plain', limit, after })
        found.push(...page.objects.map(({ asset }) => asset.key))
        after = page.next
        if (after === undefined) break
      }
      assert.deepEqual(found, byBytes(keys))
    }
  })

  it('sum up common prefixes at every page size', async () => {
    await using opened = await filled()
    const { engine, call } = opened
    for (const limit of [1, 2, 1000]) {
      const found: string[] = []
      for (let after: string | undefined; ; ) {
        const query = { bucket: 'plain', delimiter: '/', limit, after }
        const page = await listObjects(engine, call, query)
        assert.ok(page.objects.length + page.prefixes.length <= limit)
        found.push(...page.objects.map(({ asset }) => asset.key), ...page.prefixes)
        after = page.next
        if (after === undefined) break
      }
      assert.deepEqual(
        byBytes(found),
        byBytes(['a', 'b/', 'c', 'd/', 'é', '\u{ffff}', '\u{10000}']),
      )
    }
    const inside = { bucket: 'plain', prefix: 'b/', delimiter: '/', limit: 10 }
    const page = await listObjects(engine, call, inside)
    assert.deepEqual(page.prefixes, ['b//'])
    assert.deepEqual(
      page.objects.map(({ asset }) => asset.key),
      ['b/1', 'b/2'],
    )
    const after = await listObjects(engine, call, { bucket: 'plain', after: 'b/', limit: 1 })
    assert.equal(after.objects[0]?.asset.key, 'b//x')
    const nothing = await listObjects(engine, call, { bucket: 'plain', limit: 0 })
    assert.deepEqual(nothing, { objects: [], prefixes: [] })
  })

  it('page through versions by key and id', async () => {
    await using opened = await withBucket('enabled')
    const { engine, call } = opened
    for (const key of ['a', 'b/x', 'c']) {
      for (let n = 0; n < 3; n += 1) await putText(opened, key, `${key}${n}`)
    }
    await removeObject(engine, call, at('c'))
    const whole = await listObjectVersions(engine, call, { bucket: 'plain', limit: 1000 })
    const ids = whole.versions.map(({ versionId }) => versionId)
    assert.equal(ids.length, 10)
    for (const limit of [1, 2, 4]) {
      const found: string[] = []
      let next: { readonly key: string; readonly versionId?: string } | undefined
      for (;;) {
        const page = await listObjectVersions(engine, call, {
          bucket: 'plain',
          limit,
          keyMarker: next?.key,
          versionIdMarker: next?.versionId,
        })
        found.push(...page.versions.map(({ versionId }) => versionId))
        next = page.next
        if (next === undefined) break
      }
      assert.deepEqual(found, ids)
    }
    const query = { bucket: 'plain', delimiter: '/', limit: 4 }
    const grouped = await listObjectVersions(engine, call, query)
    assert.deepEqual(grouped.prefixes, ['b/'])
    assert.deepEqual(grouped.next, { key: 'b/' })
  })

  it('delete many, each for itself', async () => {
    await using opened = await filled()
    const { engine, call } = opened
    const outcomes = await removeObjects(engine, call, [
      at('a'),
      at('none', 'not-an-id'),
      { bucket: 'elsewhere', key: 'x' },
      at('c'),
    ])
    assert.deepEqual(
      outcomes.map(({ removed, error }) => error?.code ?? removed?.deleteMarker),
      [true, 'VALIDATION_ERROR', 'BUCKET_NOT_FOUND', true],
    )
  })
})
