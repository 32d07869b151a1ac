import assert from 'node:assert/strict'
import type { ObjectFacets } from '@holdfast/core/objects.ts'
import type {
  ObjectEntry,
  ObjectQuery,
  VersionEntryQuery,
} from '@holdfast/core/ports/object-questions.ts'
import type { Version } from '@holdfast/core/records.ts'
import { SeededRandom } from '../seeded-random.ts'
import { catalogTest, type Desk } from './catalog-test.ts'
import { briefOf, dump } from './dump.ts'
import { newAccessKey, newBucket, newId, newTime, versionOf } from './records.ts'
import type { OpenCatalog } from './under-test.ts'

/** What S3 keeps and asks: listings by key, null versions, facets, documents, access keys. */
export function objectTests(open: OpenCatalog): void {
  recordTests(open)
  listTests(open)
  mixtureTests(open)
  boundedTests(open)
  catalogTest(open, 'objects: versions come by key, of each the newest first', async desk => {
    const { bucketId, numbers } = await history(desk)
    const page = async (query: Partial<VersionEntryQuery>) =>
      (await desk.view.objects.listVersions({ bucketId, limit: 100, ...query })).entries.map(
        entry =>
          entry.prefix === undefined
            ? `${entry.asset.key}${entry.version.number}${entry.isLatest ? '!' : ''}`
            : entry.prefix,
      )
    const all = ['a3!', 'a2', 'a1', 'b/x1!', 'c1!']
    assert.deepEqual(await page({}), all)
    for (let limit = 1; limit < 6; limit += 1) {
      assert.deepEqual(await page({ limit }), all.slice(0, limit))
    }
    assert.deepEqual(await page({ after: 'a', olderThan: numbers }), ['a2', 'a1', 'b/x1!', 'c1!'])
    assert.deepEqual(await page({ after: 'a', olderThan: 1 }), ['b/x1!', 'c1!'])
    assert.deepEqual(await page({ after: 'a' }), ['b/x1!', 'c1!'])
    assert.deepEqual(await page({ delimiter: '/' }), ['a3!', 'a2', 'a1', 'b/', 'c1!'])
    assert.deepEqual(await page({ delimiter: '/', after: 'b/' }), ['c1!'])
    assert.deepEqual(await page({ prefix: 'b' }), ['b/x1!'])
  })
}

function recordTests(open: OpenCatalog): void {
  catalogTest(open, 'objects: facets and null versions are read as they were put', async desk => {
    const bucket = await desk.bucket({ name: 'facets' })
    const { asset, version } = await desk.asset({ bucketId: bucket.id, key: 'k' })
    assert.equal(await desk.view.objects.nullVersion(asset.id), undefined)
    const object: ObjectFacets = {
      headers: { cacheControl: 'no-store', contentType: 'text/ä' },
      userMetadata: { naïve: 'ünïcode' },
      etag: `${'a'.repeat(32)}-2`,
      checksum: { algorithm: 'CRC64NVME', type: 'full', value: 'AAAAAAAAAAA=' },
      parts: [{ number: 1, size: 5, checksum: 'x' }],
      tags: [{ key: 'k', value: '' }],
      retention: { mode: 'COMPLIANCE', until: newTime() },
      legalHold: true,
    }
    const record = { ...version, isNull: true, object, seq: 0 }
    const { records } = await desk.write([
      { do: 'version', record },
      { do: 'note', change: { what: 'version.updated', versionId: version.id } },
    ])
    // Lists come first: what they tell must not pass for the whole.
    const brief = briefOf(records[0] as Version)
    assert.equal(brief.object?.parts, undefined)
    const { list, listVersions } = desk.view.objects
    for (const ask of [list, listVersions]) {
      const { entries } = await ask({ bucketId: bucket.id, limit: 9 })
      assert.deepEqual(
        entries.map(entry => entry.version),
        [brief],
      )
    }
    const all = { assetId: asset.id, deleted: 'with', limit: 9 } as const
    assert.deepEqual(await desk.view.versions.list(all), [brief])
    assert.deepEqual(await desk.view.versions.briefById(version.id), brief)
    assert.deepEqual(await desk.view.versions.byId(version.id), records[0])
    assert.deepEqual(await desk.view.versions.byNumber(asset.id, 1), records[0])
    assert.deepEqual(await desk.view.objects.nullVersion(asset.id), records[0])
    assert.equal(await desk.view.objects.nullVersion('none'), undefined)
    await checkRebuilt(desk)
  })
  catalogTest(open, 'objects: documents and access keys survive a rebuild', async desk => {
    const documents = { policy: { Statement: [] }, cors: { rules: [null, 1, 'x'] } }
    const bucket = await desk.bucket(newBucket({ name: 'documents', documents }))
    assert.deepEqual((await desk.view.buckets.byName('documents'))?.documents, documents)
    const note = { do: 'note', change: { what: 'access_key.created' } } as const
    const record = newAccessKey({ id: 'HFKB' })
    await desk.write([{ do: 'accessKey', record }, note])
    await desk.write([{ do: 'accessKey', record: newAccessKey({ id: 'HFKA' }) }, note])
    const revoked = { ...record, revokedAt: newTime(), seq: 0 }
    const { records } = await desk.write([{ do: 'accessKey', record: revoked }, note])
    assert.deepEqual(await desk.view.accessKeys.byId('HFKB'), records[0])
    assert.equal(await desk.view.accessKeys.byId('HFKC'), undefined)
    const ids = (await desk.view.accessKeys.list()).map(({ id }) => id)
    assert.deepEqual(ids, ['HFKA', 'HFKB'])
    assert.deepEqual(await desk.view.accessKeys.byPrincipal(record.principalId), records)
    assert.deepEqual(await desk.view.accessKeys.byPrincipal('none'), [])
    assert.ok(bucket)
    await checkRebuilt(desk)
  })
}

function listTests(open: OpenCatalog): void {
  catalogTest(open, 'objects: keys come in the order of their UTF-8 bytes', async desk => {
    const { bucketId, list } = await filled(desk)
    const sorted = KEYS.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
    assert.deepEqual(await list({}), sorted)
    for (const [index, after] of sorted.entries()) {
      assert.deepEqual(await list({ after, limit: 3 }), sorted.slice(index + 1, index + 4), after)
    }
    assert.deepEqual(await list({ after: 'a/{' }), await list({ after: 'a/z' }))
    assert.deepEqual(await list({ bucketId: 'none' }), [])
    assert.deepEqual(await list({ limit: 0 }), [])
    assert.ok(bucketId)
  })
  catalogTest(open, 'objects: common prefixes stand for all keys under them', async desk => {
    const { list } = await filled(desk)
    const top = ['a/', 'ab', 'b', 'é/', '\u{ffff}', '\u{10ffff}/']
    assert.deepEqual(await list({ delimiter: '/' }), top)
    for (let limit = 1; limit < top.length; limit += 1) {
      assert.deepEqual(await list({ delimiter: '/', limit }), top.slice(0, limit))
      const after = top[limit - 1] ?? ''
      assert.deepEqual(await list({ delimiter: '/', after }), top.slice(limit))
    }
    assert.deepEqual(await list({ delimiter: '/', prefix: 'a/' }), ['a/', 'a//', 'a/b/', 'a/z'])
    assert.deepEqual(await list({ delimiter: '/', prefix: 'a/', after: 'a/b/' }), ['a/z'])
    assert.deepEqual(await list({ delimiter: '/', after: 'a/b/1' }), top.slice(1))
    assert.deepEqual(await list({ delimiter: '/b/' }), ['a/', 'a//', 'a/b/', ...REST])
    assert.deepEqual(await list({ prefix: 'a', delimiter: '' }), [
      'a/',
      'a//',
      ...IN_B,
      'a/z',
      'ab',
    ])
    assert.deepEqual(await list({ prefix: '\u{10ffff}', delimiter: '/' }), ['\u{10ffff}/'])
    assert.deepEqual(await list({ prefix: 'nothing' }), [])
  })
  catalogTest(open, 'objects: deleted, trashed and guarded ones are passed over', async desk => {
    const { bucketId, list, assets } = await filled(desk)
    const [one, two, three] = ['a/', 'ab', 'b'].map(key => assets.get(key))
    assert.ok(one && two && three)
    await desk.update(one, { deletedAt: newTime() })
    await desk.update(two, { deletedAt: newTime(), trashed: true })
    await desk.update(three, { acl: { read: ['ann'], write: [] } })
    assert.deepEqual(await list({ delimiter: '/', prefix: 'a' }), ['a/'])
    assert.deepEqual(await list({ prefix: 'b' }), ['b'])
    assert.deepEqual(await list({ prefix: 'b', visibleTo: 'ann' }), ['b'])
    assert.deepEqual(await list({ prefix: 'b', visibleTo: 'bob' }), [])
    const { ownerId } = three
    const owned = { prefix: 'b', visibleTo: 'bob', visibleOwner: { ownerId } }
    assert.deepEqual(await list(owned), ['b'], 'nor is it hidden from its owner')
    const versions = await desk.view.objects.listVersions({ bucketId, ...owned, limit: 9 })
    assert.equal(versions.entries.length, 1)
    const query = { bucketId, prefix: 'a', limit: 100 }
    const { entries } = await desk.view.objects.listVersions(query)
    const keys = entries.map(({ asset }) => asset?.key)
    assert.deepEqual(keys, ['a/', 'a//', ...IN_B, 'a/z'], 'what is hidden has versions')
  })
}

/** Folders and keys in any mixture, some of them hidden, against a sorted list of what is shown. */
function mixtureTests(open: OpenCatalog): void {
  catalogTest(
    open,
    'objects: folders with hidden keys among keys are each told once',
    async desk => {
      const { id: bucketId } = await desk.bucket({ name: 'mixture' })
      const random = new SeededRandom(11)
      const hidden = { read: ['owner'], write: [] }
      const shown: string[] = []
      const all = Array.from({ length: 120 }, (_, at) => {
        const name = String(at).padStart(3, '0')
        return random.below(2) === 0
          ? name
          : `${String(at - random.below(9)).padStart(3, '0')}/${name}`
      })
      for (const key of all) {
        const isShown = random.below(3) > 0
        await desk.asset({ bucketId, key, acl: isShown ? null : hidden })
        if (isShown) shown.push(key)
      }
      const names = [...new Set(shown.map(key => key.replace(/(?<=\/).*/, '')))].toSorted()
      for (const [at, after] of ['', ...names].entries()) {
        const about = { bucketId, delimiter: '/', visibleTo: 'ann', after }
        const limit = 1 + random.below(40)
        const wanted = names.slice(at, at + limit)
        const { entries } = await desk.view.objects.list({ ...about, limit })
        assert.deepEqual(entries.map(nameOf), wanted, after)
        const versions = await desk.view.objects.listVersions({ ...about, limit })
        const found = versions.entries.map(({ prefix, asset }) => prefix ?? asset?.key)
        assert.deepEqual(found, wanted, after)
      }
    },
  )
}

/** What it costs follows the looks: an answer that may look no further says where it ended. */
function boundedTests(open: OpenCatalog): void {
  catalogTest(
    open,
    'objects: a list looks at no more than it may, and goes on there',
    async desk => {
      const { id: bucketId } = await desk.bucket({ name: 'hidden' })
      const shown: string[] = []
      for (let at = 0; at < 60; at += 1) {
        const key = `${at < 30 ? 'a' : 'b'}/${String(at).padStart(2, '0')}`
        const isShown = at % 17 === 16
        await desk.asset({ bucketId, key, acl: isShown ? null : { read: ['owner'], write: [] } })
        if (isShown) shown.push(key)
      }
      const about = { bucketId, visibleTo: 'ann', limit: 2, looksMax: 1 }
      for (const delimiter of ['/', undefined]) {
        for (const ask of ['list', 'listVersions'] as const) {
          const query = delimiter === undefined ? about : { ...about, delimiter }
          const found: string[] = []
          let stops = 0
          let from: string | undefined
          do {
            const more = from === undefined ? {} : { from }
            const { entries, stopped } = await desk.view.objects[ask]({ ...query, ...more })
            found.push(...entries.map(({ prefix, asset }) => prefix ?? asset?.key ?? ''))
            if (stopped !== undefined) stops += 1
            from = stopped
          } while (from !== undefined)
          assert.deepEqual(found, delimiter === undefined ? shown : ['a/', 'b/'])
          assert.ok(stops > 1, `${stops} stops`)
        }
      }
    },
  )
}

const IN_B = ['a/b/1', 'a/b/2']
const REST = ['a/z', 'ab', 'b', 'é/x', '\u{ffff}', '\u{10ffff}/']
const KEYS = ['b', '\u{ffff}', 'ab', 'a/b/2', 'a/z', '\u{10ffff}/', 'a/', 'a//', 'é/x', 'a/b/1']

async function filled(desk: Desk) {
  const { id: bucketId } = await desk.bucket({ name: 'listed' })
  const assets = new Map()
  for (const key of KEYS) assets.set(key, (await desk.asset({ bucketId, key })).asset)
  const other = await desk.bucket({ name: 'other' })
  await desk.asset({ bucketId: other.id, key: 'a/b/3' })
  const list = async (query: Partial<ObjectQuery>) =>
    (await desk.view.objects.list({ bucketId, limit: 100, ...query })).entries.map(nameOf)
  return { bucketId, list, assets }
}

function nameOf(entry: ObjectEntry): string {
  if (entry.prefix !== undefined) return entry.prefix
  assert.equal(entry.version.id, entry.asset.versionId)
  return entry.asset.key
}

/** Key `a` with three versions, one of them hidden, and two others. */
async function history(desk: Desk): Promise<{ bucketId: string; numbers: number }> {
  const { id: bucketId } = await desk.bucket({ name: 'history' })
  const { asset, version } = await desk.asset({ bucketId, key: 'a' })
  for (const key of ['c', 'b/x']) await desk.asset({ bucketId, key })
  let last = 1
  const steps = [2, 3, 4].map(number => {
    last = number
    const given = { id: newId(), number, sha256: version.sha256, size: version.size }
    const deletedAt = number === 4 ? newTime() : null
    return { do: 'version', record: versionOf(asset, { ...given, deletedAt }) } as const
  })
  const change = { what: 'version.created', assetId: asset.id } as const
  for (const step of steps) await desk.write([step, { do: 'note', change }])
  assert.equal(last, 4)
  return { bucketId, numbers: 3 }
}

export async function checkRebuilt(desk: Desk): Promise<void> {
  if (desk.under.rebuild === undefined) return
  const before = await dump(desk.view)
  desk.catalog = await desk.under.rebuild()
  assert.deepEqual(await dump(desk.view), before)
}
