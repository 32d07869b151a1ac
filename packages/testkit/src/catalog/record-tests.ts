import assert from 'node:assert/strict'
import type { KeyedPage } from '@holdfast/core/ports/object-questions.ts'
import type { BucketRules, Change, Quota } from '@holdfast/core/records.ts'
import { catalogTest, rejectsWith } from './catalog-test.ts'
import { newAsset, newBucket, newKey, newLink, newQuota } from './records.ts'
import type { OpenCatalog } from './under-test.ts'

/** Buckets, links, quotas, keys and the change log. */
export function recordTests(open: OpenCatalog): void {
  bucketTests(open)
  linkTests(open)
  quotaAndKeyTests(open)
  changeTests(open)
}

function bucketTests(open: OpenCatalog): void {
  catalogTest(open, 'buckets are found by name and id and listed by name', async desk => {
    const names = ['b-2', 'a-1', 'c-3', 'a-2', 'z-9']
    for (const name of names) await desk.bucket({ name })
    const { buckets } = desk.view
    assert.equal(await buckets.count(), 5)
    const all = await buckets.list({ limit: 10 })
    assert.deepEqual(
      all.map(({ name }) => name),
      [...names].sort(),
    )
    const second = await buckets.list({ after: 'a-1', limit: 2 })
    assert.deepEqual(
      second.map(({ name }) => name),
      ['a-2', 'b-2'],
    )
    assert.deepEqual(await buckets.list({ after: 'zz', limit: 2 }), [])
    const found = await buckets.byName('c-3')
    assert.ok(found !== undefined)
    assert.deepEqual(await buckets.byId(found.id), found)
    assert.equal(await buckets.byName('none'), undefined)
    assert.equal(await buckets.byId('none'), undefined)
  })
  catalogTest(open, 'the rules of buckets come by name, as they are, however large', async desk => {
    const policy = { Statement: [{ Sid: 'ä"\\', Effect: 'Deny' }], Number: 1.5, None: null }
    const acl = { owner: 'ann', grants: [] }
    const cors = { rules: ['r'.repeat(200_000)] }
    const large = { acl, policy, cors, ownership: { rule: 'x' }, publicAccessBlock: {} }
    const { cors: _, ...ruling } = large
    for (let at = 0; at < 8; at += 1) {
      await desk.bucket(newBucket({ name: `large-${at}`, documents: large }))
    }
    await desk.bucket(newBucket({ name: 'a-plain', documents: { cors } }))
    const owned = await desk.bucket(newBucket({ name: 'b-owned', ownerId: 'ann' }))
    const rules = async () => {
      const all: BucketRules[] = []
      let after: string | undefined = ''
      while (after !== undefined) {
        const page: KeyedPage<BucketRules> = await desk.view.buckets.rules({ after, limit: 3 })
        all.push(...page.entries)
        after = page.stopped ?? (page.entries.length < 3 ? undefined : page.entries.at(-1)?.name)
      }
      return all
    }
    const expected = async () => {
      const all = await desk.view.buckets.list({ limit: 100 })
      return all.map(({ id, name, ownerId, seq, settings: { publicRead }, documents }) => ({
        ...{ id, name, ownerId, seq, settings: { publicRead } },
        ...(documents?.policy === undefined ? {} : { documents: ruling }),
      }))
    }
    assert.deepEqual(await rules(), await expected())
    // Each change holds for the next question, of kept ones too.
    const settings = { ...owned.settings, publicRead: true }
    const given = await desk.bucket({ ...owned, settings, ownerId: 'bob', documents: large })
    assert.deepEqual(await rules(), await expected())
    await desk.bucket({ ...given, name: 'z-renamed', documents: {} })
    assert.deepEqual(await rules(), await expected())
    const removed = { do: 'remove', what: 'bucket', id: given.id } as const
    await desk.write([removed, { do: 'note', change: { what: 'bucket.removed' } }])
    assert.deepEqual(await rules(), await expected())
    assert.equal((await rules()).length, 9)
  })
  catalogTest(open, 'a bucket is replaced whole, renamed and removed when empty', async desk => {
    const bucket = await desk.bucket({ name: 'before' })
    const settings = { ...bucket.settings, publicRead: true, contentTypes: ['image/*'] }
    const renamed = { ...bucket, name: 'after', settings, seq: 0 }
    const change = { what: 'bucket.updated', bucketId: bucket.id } as const
    await desk.write([
      { do: 'bucket', record: renamed },
      { do: 'note', change },
    ])
    assert.equal(await desk.view.buckets.byName('before'), undefined)
    assert.deepEqual((await desk.view.buckets.byName('after'))?.settings, settings)
    const other = newBucket({ name: 'after' })
    await assert.rejects(desk.write([{ do: 'bucket', record: other }]))
    const { asset, version } = await desk.asset({ bucketId: bucket.id, key: 'k' })
    const remove = { do: 'remove', what: 'bucket', id: bucket.id } as const
    await rejectsWith(desk.write([remove]), 'BUCKET_NOT_EMPTY')
    await desk.write([
      { do: 'remove', what: 'version', id: version.id },
      { do: 'remove', what: 'asset', id: asset.id },
      remove,
      { do: 'note', change: { what: 'bucket.removed', bucketId: bucket.id } },
    ])
    assert.equal(await desk.view.buckets.count(), 0)
    await desk.bucket({ name: 'after' })
    assert.deepEqual(await desk.view.quotas.usage('bucket', 'after'), { assets: 0, bytes: 0 })
  })
}

function linkTests(open: OpenCatalog): void {
  catalogTest(open, 'links are found from both ends, oldest first', async desk => {
    const bucket = await desk.bucket({ name: 'links' })
    const ids: string[] = []
    for (const key of ['a', 'b', 'c']) {
      ids.push((await desk.asset({ bucketId: bucket.id, key })).asset.id)
    }
    const [a = '', b = '', c = ''] = ids
    const links = [
      newLink({ fromId: a, toId: b, type: 'part' }),
      newLink({ fromId: b, toId: a, type: 'part' }),
      newLink({ fromId: a, toId: c, type: 'thumb' }),
      newLink({ fromId: c, toId: c, type: 'self' }),
    ]
    for (const record of links) {
      await desk.write([
        { do: 'link', record },
        { do: 'note', change: { what: 'link.created', assetId: record.fromId } },
      ])
    }
    const idsOf = async (assetId: string, more: { type?: string; offset?: number } = {}) =>
      (await desk.view.links.of({ assetId, limit: 10, ...more })).map(({ id }) => id)
    const [one, two, three, four] = links.map(({ id }) => id)
    assert.deepEqual(await idsOf(a), [one, two, three])
    assert.deepEqual(await idsOf(a, { type: 'part' }), [one, two])
    assert.deepEqual(await idsOf(a, { offset: 1 }), [two, three])
    assert.deepEqual(await idsOf(c), [three, four])
    assert.equal((await desk.view.links.of({ assetId: a, limit: 1 })).length, 1)
    for (const [id, from, to] of [
      [a, 2, 1],
      [c, 1, 2],
    ] as const) {
      assert.equal(await desk.view.links.count(id, 'from'), from)
      assert.equal(await desk.view.links.count(id, 'to'), to)
    }
    assert.equal((await desk.view.links.find(a, b, 'part'))?.id, one)
    assert.equal(await desk.view.links.find(b, a, 'thumb'), undefined)
    assert.equal((await desk.view.links.byId(three ?? ''))?.toId, c)
    const again = newLink({ fromId: a, toId: b, type: 'part' })
    await assert.rejects(desk.write([{ do: 'link', record: again }]))
    await desk.write([
      { do: 'remove', what: 'link', id: one ?? '' },
      { do: 'note', change: { what: 'link.removed', assetId: a } },
    ])
    assert.deepEqual(await idsOf(a), [two, three])
    assert.equal(await desk.view.links.byId(one ?? ''), undefined)
  })
}

function quotaAndKeyTests(open: OpenCatalog): void {
  catalogTest(open, 'quotas are set, replaced, listed and removed', async desk => {
    const note = { do: 'note', change: { what: 'quota.set' } } as const
    const set = (record: Quota) => desk.write([{ do: 'quota', record }, note])
    await set(newQuota({ scope: 'service', name: 'mail' }))
    await set(newQuota({ scope: 'bucket', name: 'mail', bytesMax: null, assetsMax: 5 }))
    await set(newQuota({ scope: 'service', name: 'mail', bytesMax: 7 }))
    assert.equal((await desk.view.quotas.get('service', 'mail'))?.bytesMax, 7)
    assert.equal((await desk.view.quotas.get('bucket', 'mail'))?.assetsMax, 5)
    assert.equal(await desk.view.quotas.get('owner', 'mail'), undefined)
    assert.equal((await desk.view.quotas.list()).length, 2)
    await desk.write([{ do: 'removeQuota', scope: 'service', name: 'mail' }, note])
    assert.equal(await desk.view.quotas.get('service', 'mail'), undefined)
    assert.deepEqual(await desk.view.quotas.usage('owner', 'nobody'), { assets: 0, bytes: 0 })
  })
  catalogTest(open, 'keys are found by hash and id', async desk => {
    const note = { do: 'note', change: { what: 'key.created' } } as const
    const keys = ['one', 'two', 'three'].map(name => newKey({ name }))
    for (const record of keys) await desk.write([{ do: 'key', record }, note])
    const [first] = keys
    assert.ok(first !== undefined)
    assert.equal(await desk.view.keys.count(), 3)
    assert.equal((await desk.view.keys.byHash(first.hash))?.name, 'one')
    assert.equal(await desk.view.keys.byHash('none'), undefined)
    const revoked = { ...first, revokedAt: '2026-05-05T00:00:00.000Z' }
    await desk.write([{ do: 'key', record: revoked }, note])
    assert.equal((await desk.view.keys.byId(first.id))?.revokedAt, revoked.revokedAt)
    assert.equal(await desk.view.keys.count(), 3)
    const names = (await desk.view.keys.list()).map(({ name }) => name)
    assert.deepEqual(names.sort(), ['one', 'three', 'two'])
  })
}

function changeTests(open: OpenCatalog): void {
  catalogTest(open, 'a change row tells who, when, what and where', async desk => {
    const bucket = await desk.bucket({ name: 'told' })
    const { asset, version } = await desk.asset({ bucketId: bucket.id, key: 'k' })
    const detail = { from: 'a', to: ['b', 1, null], gone: false }
    const ids = { bucketId: bucket.id, assetId: asset.id, versionId: version.id }
    const { seqs, now } = await desk.write([
      { do: 'note', change: { what: 'version.updated', ...ids, detail } },
    ])
    const [change] = await desk.view.changes.after(2, 10)
    assert.deepEqual(change, {
      seq: seqs[0] ?? 0,
      at: now,
      actor: 'tester',
      requestId: 'request-1',
      what: 'version.updated',
      ...ids,
      detail,
    } satisfies Change)
  })
  catalogTest(open, 'the changes of an asset come newest first', async desk => {
    const bucket = await desk.bucket({ name: 'history' })
    const one = (await desk.asset({ bucketId: bucket.id, key: 'one' })).asset
    const other = (await desk.asset({ bucketId: bucket.id, key: 'other' })).asset
    for (let n = 1; n <= 5; n += 1) await desk.update(one, { metadata: { n } })
    await desk.update(other, { metadata: {} })
    const { changes } = desk.view
    const seqsOf = async (query: { limit: number; offset?: number; below?: number }) =>
      (await changes.ofAsset({ assetId: one.id, ...query })).map(({ seq }) => seq)
    assert.deepEqual(await seqsOf({ limit: 10 }), [8, 7, 6, 5, 4, 2])
    assert.deepEqual(await seqsOf({ limit: 2, offset: 3 }), [5, 4])
    assert.deepEqual(await seqsOf({ limit: 2, below: 6 }), [5, 4])
    const stretch = (query: { rows: number; below?: number }, assetId = one.id) =>
      changes.stretch({ assetId, ...query })
    assert.deepEqual(await stretch({ rows: 10 }), { rows: 6, lowest: 2 })
    assert.deepEqual(await stretch({ rows: 3 }), { rows: 3, lowest: 6 })
    assert.deepEqual(await stretch({ rows: 3, below: 5 }), { rows: 2, lowest: 2 })
    assert.deepEqual(await stretch({ rows: 3, below: 2 }), { rows: 0, lowest: null })
    assert.deepEqual(await stretch({ rows: 3 }, 'none'), { rows: 0, lowest: null })
    assert.deepEqual(await changes.ofAsset({ assetId: 'none', limit: 5 }), [])
    const after = await changes.after(7, 10)
    assert.deepEqual(
      after.map(({ seq }) => seq),
      [8, 9],
    )
  })
  catalogTest(open, 'C6 change rows stay as they are when their subject is gone', async desk => {
    const bucket = await desk.bucket({ name: 'gone' })
    const { asset, version } = await desk.asset({ bucketId: bucket.id, key: 'k' })
    const before = await desk.view.changes.after(0, 10)
    assert.equal(before[1]?.assetId, asset.id)
    await desk.write([
      { do: 'remove', what: 'version', id: version.id },
      { do: 'remove', what: 'asset', id: asset.id },
      { do: 'remove', what: 'bucket', id: bucket.id },
      { do: 'note', change: { what: 'asset.removed', assetId: asset.id, bucketId: bucket.id } },
    ])
    const after = await desk.view.changes.after(0, 10)
    assert.deepEqual(after.slice(0, 2), before)
    assert.equal(after[2]?.assetId, asset.id)
    assert.equal(after[2]?.bucketId, bucket.id)
    await desk.bucket({ name: 'gone' })
    const again = newAsset({
      bucketId: (await desk.view.buckets.byName('gone'))?.id ?? '',
      key: 'k',
    })
    await desk.write([
      { do: 'asset', record: again },
      { do: 'note', change: { what: 'asset.created', assetId: again.id } },
    ])
    assert.deepEqual(await desk.view.changes.after(0, 2), before)
    assert.equal((await desk.view.changes.stretch({ assetId: again.id, rows: 9 })).rows, 1)
  })
}
