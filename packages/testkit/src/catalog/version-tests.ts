import assert from 'node:assert/strict'
import type { Version } from '@holdfast/core/records.ts'
import { catalogTest, type Desk } from './catalog-test.ts'
import { checkTotals, dump } from './dump.ts'
import { newId, newTime, versionOf } from './records.ts'
import type { OpenCatalog } from './under-test.ts'

/** Versions, blobs and the references between them. */
const NO_BLOBS = { blobs: 0, bytes: 0, dead: 0, deadBlobs: 0 }

export function versionTests(open: OpenCatalog): void {
  catalogTest(open, 'a version is read as it was put', async desk => {
    const bucket = await desk.bucket({ name: 'versions' })
    const { asset, version } = await desk.asset({ bucketId: bucket.id, key: 'k' })
    assert.deepEqual(await desk.view.versions.briefById(version.id), version)
    assert.deepEqual(await desk.view.versions.byId(version.id), version)
    const tags = [{ name: 'v1.0', description: 'fïrst', taggedAt: newTime() }]
    const changed = {
      ...{ ...version, tags, metadata: { a: null }, description: 'näw', md5: 'a'.repeat(32) },
      ...{ deletedAt: newTime(), seq: 0 },
    }
    const { records } = await desk.write([
      { do: 'version', record: changed },
      { do: 'note', change: { what: 'version.updated', versionId: version.id } },
    ])
    assert.deepEqual(await desk.view.versions.byNumber(asset.id, 1), records[0])
    assert.deepEqual(await desk.view.versions.briefById(version.id), records[0])
    assert.equal(await desk.view.versions.byNumber(asset.id, 2), undefined)
    assert.equal(await desk.view.versions.byNumber('none', 1), undefined)
    assert.equal(await desk.view.versions.byId('none'), undefined)
    assert.equal(await desk.view.versions.briefById('none'), undefined)
  })
  catalogTest(open, 'versions are listed newest first, by kind, state and time', async desk => {
    const { assetId, times } = await history(desk)
    const numbers = async (query: object) => {
      const filter = { assetId, deleted: 'with', ...query } as const
      const list = await desk.view.versions.list({ ...filter, limit: 100 })
      assert.equal(await desk.view.versions.count(filter), list.length)
      return list.map(({ number }) => number)
    }
    assert.deepEqual(await numbers({}), [6, 5, 4, 3, 2, 1])
    assert.deepEqual(await numbers({ deleted: 'without' }), [6, 5, 4, 2, 1])
    assert.deepEqual(await numbers({ deleted: 'only' }), [3])
    assert.deepEqual(await numbers({ kinds: ['marker'] }), [5])
    assert.deepEqual(await numbers({ kinds: ['content'], deleted: 'without' }), [6, 4, 2, 1])
    assert.deepEqual(await numbers({ kinds: ['content', 'marker'] }), [6, 5, 4, 3, 2, 1])
    const [, second, , fourth] = times
    assert.deepEqual(await numbers({ createdAfter: second, createdBefore: fourth }), [3, 2])
    const [newest] = await desk.view.versions.list({ assetId, deleted: 'with', limit: 1 })
    const id = newest?.id ?? ''
    assert.deepEqual(await numbers({ id: { is: id } }), [6])
    assert.deepEqual(await numbers({ id: { not: id } }), [5, 4, 3, 2, 1])
    assert.deepEqual(await numbers({ changes: ['delete'] }), [5])
    assert.deepEqual(await numbers({ changes: ['delete'], id: { is: id } }), [])
    assert.deepEqual(await numbers({ assetId: 'none' }), [])
    const page = { assetId, deleted: 'with', limit: 2, offset: 3 } as const
    const found = await desk.view.versions.list(page)
    assert.deepEqual(
      found.map(({ number }) => number),
      [3, 2],
    )
  })
  catalogTest(open, 'versions are found by what they hold', async desk => {
    const { assetId } = await history(desk)
    const asked = { assetId, deleted: 'with', limit: 100 } as const
    const all = await desk.view.versions.list(asked)
    const numbers = async (query: object) => {
      const list = await desk.view.versions.list({ ...asked, ...query })
      assert.equal(await desk.view.versions.count({ ...asked, ...query }), list.length)
      return list.map(({ number }) => number)
    }
    assert.deepEqual(await numbers({ below: 4 }), [3, 2, 1])
    assert.deepEqual(await numbers({ below: 4, oldestFirst: true }), [1, 2, 3])
    const says = async (number: number, said: Partial<Version>) => {
      const version = all.find(one => one.number === number)
      const whole = await desk.view.versions.byId(version?.id ?? '')
      if (whole === undefined) throw new Error(`there is no version ${number}`)
      const record = { ...whole, ...said, seq: 0 }
      const change = { what: 'version.updated', versionId: record.id } as const
      await desk.write([
        { do: 'version', record },
        { do: 'note', change },
      ])
    }
    const [early, late] = ['2026-01-01T00:00:00.000Z', '2036-01-01T00:00:00.000Z']
    const taggedAt = newTime()
    const open = { owner: 'o', grants: [{ permission: 'READ', grantee: 'all' }] } as const
    await says(1, { tags: ['a', '"b'].map(name => ({ name, description: 'c', taggedAt })) })
    await says(2, { object: { retention: { mode: 'GOVERNANCE', until: late }, acl: open } })
    await says(3, { object: { legalHold: true, acl: { owner: 'p', grants: [] } } })
    await says(4, { object: { legalHold: false, retention: { mode: 'COMPLIANCE', until: early } } })
    await says(6, { object: { acl: open }, tags: [{ name: 'c', description: 'a', taggedAt }] })
    assert.deepEqual(await numbers({ tag: 'a' }), [1])
    assert.deepEqual(await numbers({ tag: '"b' }), [1])
    assert.deepEqual(await numbers({ tag: 'A' }), [])
    assert.deepEqual(await numbers({ tag: null }), [5, 4, 3, 2])
    assert.deepEqual(await numbers({ lock: { at: early, holds: true } }), [3, 2])
    assert.deepEqual(await numbers({ lock: { at: early, holds: false } }), [6, 5, 4, 1])
    assert.deepEqual(await numbers({ lock: { at: late, holds: true } }), [3])
    const before = '2025-12-31T23:59:59.999Z'
    assert.deepEqual(await numbers({ lock: { at: before, holds: true } }), [4, 3, 2])
    assert.deepEqual(await numbers({ aclOwner: 'o' }), [6, 2])
    assert.deepEqual(await numbers({ aclOwner: 'p', below: 3 }), [])
    assert.deepEqual(await numbers({ aclIsPublic: true }), [6, 2])
    assert.deepEqual(await numbers({ aclIsPublic: true, below: 6 }), [2])
    const acls = (below: number | undefined, limit: number) =>
      desk.view.versions.acls(assetId, { below, limit })
    const second = { number: 3, acl: { owner: 'p', grants: [] } }
    assert.deepEqual(await acls(undefined, 2), [{ number: 6, acl: open }, second])
    assert.deepEqual(await acls(3, 2), [{ number: 2, acl: open }])
    assert.deepEqual(await desk.view.versions.acls('none', { below: undefined, limit: 2 }), [])
    await says(3, { object: { tags: [{ key: 'k', value: 'v' }] } })
    await says(4, { object: { tags: [] } })
    const some = [
      { permission: 'READ', grantee: { id: 'all' } },
      { permission: 'WRITE_ACP', grantee: 'authenticated' },
    ] as const
    await says(2, { object: { acl: { owner: 'all', grants: some.slice(0, 1) } } })
    await says(6, { object: { acl: { owner: 'o', grants: some } } })
    assert.deepEqual(await numbers({ aclIsPublic: true }), [6])
    assert.deepEqual(await numbers({ hasObjectTags: true }), [3])
  })
  catalogTest(open, 'versions are told by type and size, and all together', async desk => {
    const { versions } = desk.view
    const { assetId } = await history(desk)
    const sizes = async () =>
      (await versions.list({ assetId, deleted: 'with', limit: 100 })).map(({ size }) => size)
    const total = (await sizes()).reduce((sum, size) => sum + size, 0)
    assert.ok(total > 0)
    assert.equal(await versions.bytes(assetId), total)
    assert.equal(await versions.bytes('none'), 0)
    const typed = async (number: number, contentType: string) => {
      const version = await versions.byNumber(assetId, number)
      if (version === undefined) throw new Error(`there is no version ${number}`)
      const change = { what: 'version.updated', versionId: version.id } as const
      await desk.write([
        { do: 'version', record: { ...version, contentType, seq: 0 } },
        { do: 'note', change },
      ])
      return version
    }
    const { size, contentType } = await typed(1, 'text/odd')
    await typed(3, 'text/deleted')
    await typed(5, 'text/marker')
    const found = await versions.contents(assetId)
    assert.deepEqual(
      found.toSorted((one, other) => one.contentType.localeCompare(other.contentType)),
      [
        { contentType, size },
        { contentType: 'text/odd', size },
      ].toSorted((one, other) => one.contentType.localeCompare(other.contentType)),
    )
    assert.deepEqual(await versions.contents('none'), [])
  })
  catalogTest(open, 'C8 the same bytes are one blob with a reference per version', async desk => {
    const bucket = await desk.bucket({ name: 'shared' })
    const put = (key: string) => desk.asset({ bucketId: bucket.id, key }, 'shared content')
    const { version, asset } = await put('a')
    const [second] = [await put('b'), await put('c')]
    const blob = await desk.view.blobs.get(version.sha256)
    assert.equal(blob?.references, 3)
    assert.equal(blob?.deadSince, null)
    assert.equal(blob?.size, 14)
    await removeAsset(desk, asset.id, version.id)
    await removeAsset(desk, second.asset.id, second.version.id)
    assert.equal((await desk.view.blobs.get(version.sha256))?.references, 1)
    const found = await dump(desk.view)
    checkTotals(found)
    assert.equal(found.blobs.length, 1)
  })
  blobTests(open)
}

function blobTests(open: OpenCatalog): void {
  catalogTest(open, 'C8 a blob without references is dead, may revive, and can go', async desk => {
    const bucket = await desk.bucket({ name: 'dead' })
    const { asset, version } = await desk.asset({ bucketId: bucket.id, key: 'a' }, 'mortal')
    const { sha256 } = version
    const remove = [
      { do: 'remove', what: 'blob', id: sha256 },
      { do: 'note', change: { what: 'blob.removed' } },
    ] as const
    await assert.rejects(desk.write(remove))
    await removeAsset(desk, asset.id, version.id)
    const dead = await desk.view.blobs.get(sha256)
    assert.equal(dead?.references, 0)
    assert.ok(dead?.deadSince)
    const after = new Date(Date.parse(dead.deadSince) + 1).toISOString()
    assert.deepEqual(await desk.view.blobs.dead({ before: dead.deadSince, limit: 9 }), [])
    assert.deepEqual(await desk.view.blobs.dead({ before: after, limit: 9 }), [dead])
    const one = { blobs: 1, bytes: 6, dead: 6, deadBlobs: 1 }
    assert.deepEqual(await desk.view.blobs.totals(), one)
    const revived = await desk.asset({ bucketId: bucket.id, key: 'b' }, 'mortal')
    const alive = await desk.view.blobs.get(sha256)
    assert.deepEqual(alive, { ...dead, references: 1, deadSince: null })
    assert.deepEqual(await desk.view.blobs.dead({ before: after, limit: 9 }), [])
    await removeAsset(desk, revived.asset.id, revived.version.id)
    await desk.write(remove)
    assert.equal(await desk.view.blobs.get(sha256), undefined)
    assert.deepEqual(await desk.view.blobs.totals(), NO_BLOBS)
    const again = await desk.asset({ bucketId: bucket.id, key: 'c' }, 'mortal')
    const blob = await desk.view.blobs.get(again.version.sha256)
    assert.equal(blob?.references, 1)
    if (blob !== undefined && desk.under.readBlob !== undefined) {
      assert.equal(Buffer.from(await desk.under.readBlob(blob)).toString(), 'mortal')
    }
  })
  catalogTest(open, 'blobs are listed by digest', async desk => {
    const bucket = await desk.bucket({ name: 'listed' })
    const expected: string[] = []
    for (let i = 0; i < 12; i += 1) {
      const { version } = await desk.asset({ bucketId: bucket.id, key: `k${i}` }, `content ${i}`)
      expected.push(version.sha256)
    }
    expected.sort()
    const found: string[] = []
    for (;;) {
      const after = found.at(-1)
      const query = after === undefined ? { limit: 5 } : { after, limit: 5 }
      const page = await desk.view.blobs.list(query)
      if (page.length === 0) break
      found.push(...page.map(({ sha256 }) => sha256))
    }
    assert.deepEqual(found, expected)
    assert.equal(await desk.view.blobs.get('0'.repeat(64)), undefined)
  })
  catalogTest(
    open,
    'C1 a version of unknown bytes and an asset with versions stay out',
    async desk => {
      const bucket = await desk.bucket({ name: 'strict' })
      const { asset, version } = await desk.asset({ bucketId: bucket.id, key: 'a' })
      const before = await dump(desk.view)
      const unknown = versionOf(asset, { id: newId(), number: 2, sha256: 'f'.repeat(64) })
      await assert.rejects(desk.write([{ do: 'version', record: unknown }]))
      const sameNumber = versionOf(asset, { id: newId(), number: 1, seq: 0 })
      await assert.rejects(desk.write([{ do: 'version', record: sameNumber }]))
      const orphan = versionOf(asset, { id: newId(), assetId: newId() })
      await assert.rejects(desk.write([{ do: 'version', record: orphan }]))
      await assert.rejects(desk.write([{ do: 'remove', what: 'asset', id: asset.id }]))
      assert.deepEqual(await dump(desk.view), before)
      await removeAsset(desk, asset.id, version.id)
      await desk.write([
        { do: 'remove', what: 'asset', id: asset.id },
        { do: 'remove', what: 'version', id: version.id },
      ])
      checkTotals(await dump(desk.view))
    },
  )
}

async function removeAsset(desk: Desk, assetId: string, versionId: string): Promise<void> {
  await desk.write([
    { do: 'remove', what: 'version', id: versionId },
    { do: 'remove', what: 'asset', id: assetId },
    { do: 'note', change: { what: 'asset.removed', assetId } },
  ])
}

/** Six versions: content, content, deleted content, content, marker, content. */
async function history(desk: Desk): Promise<{ assetId: string; times: string[] }> {
  const bucket = await desk.bucket({ name: 'history' })
  const { asset, version } = await desk.asset({ bucketId: bucket.id, key: 'k' }, 'one')
  const times = [version.createdAt]
  for (let number = 2; number <= 6; number += 1) {
    const createdAt = newTime()
    times.push(createdAt)
    const marker: Partial<Version> =
      number === 5 ? { kind: 'marker', sha256: '', size: 0, change: 'delete' } : {}
    const deletedAt = number === 3 ? newTime() : null
    const given = {
      id: newId(),
      number,
      createdAt,
      deletedAt,
      change: 'update',
      ...marker,
    } as const
    await desk.write([
      { do: 'version', record: versionOf(asset, given) },
      { do: 'note', change: { what: 'version.created', assetId: asset.id, versionId: given.id } },
    ])
  }
  return { assetId: asset.id, times }
}
