import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { ObjectFacets } from '@holdfast/core/objects.ts'
import { newAsset, newBucket, versionOf } from '@holdfast/testkit/catalog/records.ts'
import Database from 'better-sqlite3'
import { openDatabase, type SqliteDatabase } from './database.ts'
import { migrate } from './migrate.ts'
import { migrations } from './schema.ts'
import { openTables } from './tables.ts'

const parts = [
  { number: 1, size: 5_242_880, checksum: 'a/b+c=' },
  { number: 3, size: 1 },
]
const userMetadata = { naïve: 'ünïcode \u2028 "\\/\n\u0007\ud800' }
const facets: ObjectFacets[] = [
  { parts },
  { userMetadata, parts, etag: `${'a'.repeat(32)}-2`, legalHold: true },
  { userMetadata },
  { elsewhere: true, parts: [] },
  {},
]

/** As every version of before wrote it: all in one column. */
function putOld(db: SqliteDatabase, seq: number, object: string | null): void {
  db.prepare(
    `INSERT INTO versions (created_seq, id, seq, asset, number, kind, size, content_type, change,
      created_at, created_by, object) VALUES (?, ?, ?, 1, ?, 0, 1, 1, 0, 0, 1, ?)`,
  ).run(seq, `id ${seq}`, seq, seq, object)
}

const stored = (db: SqliteDatabase) =>
  db.prepare('SELECT object, parts FROM versions ORDER BY created_seq').all()

/** One asset with a version for each of the facets. */
function filled(db: SqliteDatabase, of: readonly ObjectFacets[]) {
  const tables = openTables(db)
  const bucket = newBucket({ name: 'parts' })
  tables.buckets.put(bucket)
  const shown = { versionNumber: of.length, lastNumber: of.length }
  const asset = newAsset({ bucketId: bucket.id, key: 'k', ...shown, createdSeq: 1, seq: 1 })
  tables.assets.put(asset)
  for (const [index, object] of of.entries()) {
    const createdSeq = index + 1
    const about = { id: `id ${index}`, number: createdSeq, createdSeq, seq: createdSeq, object }
    tables.versions.put(versionOf(asset, about), 1)
  }
  return { tables, asset, bucketId: bucket.id }
}

test('an older catalog gets the rows that this version writes', () => {
  const old = new Database(':memory:')
  migrate(old, migrations.slice(0, 3))
  for (const [index, object] of facets.entries()) putOld(old, index + 1, JSON.stringify(object))
  const before = facets.length + 1
  putOld(old, before, null)
  putOld(old, before + 1, '{"damaged": ')
  migrate(old, migrations)
  const now = openDatabase(':memory:')
  filled(now, facets)
  const wanted = [
    ...stored(now),
    { object: null, parts: null },
    { object: '{"damaged": ', parts: null },
  ]
  assert.deepEqual(stored(old), wanted)
  assert.deepEqual(stored(old)[0], { object: '{}', parts: JSON.stringify(parts) })
  const schemaOf = (db: SqliteDatabase) =>
    db.prepare('SELECT sql FROM sqlite_schema ORDER BY name').all()
  assert.deepEqual(schemaOf(old), schemaOf(now))
  old.close()
  now.close()
})

/** Whatever follows a page of parts is nowhere: who goes on to it fails. */
function cutOff(path: string, mark: Buffer): number {
  const file = readFileSync(path)
  const pageBytes = 4096
  let cut = 0
  for (let at = pageBytes; at < file.length; at += pageBytes) {
    if (!file.subarray(at + 4, at + pageBytes).includes(mark)) continue
    if (file.readUInt32BE(at) === 0 || file.readUInt32BE(at) > file.length / pageBytes) continue
    file.writeUInt32BE(0x7fff_ffff, at)
    cut += 1
  }
  writeFileSync(path, file)
  return cut
}

test('lists do not read the pages that parts take', () => {
  const dir = mkdtempSync(join(tmpdir(), 'holdfast-parts-'))
  try {
    const path = join(dir, 'catalog.db')
    const checksum = 'M'.repeat(60)
    const many = Array.from({ length: 3000 }, (_, index) => ({ number: index, size: 1, checksum }))
    const written = openDatabase(path)
    const { asset, bucketId } = filled(written, [{ parts: many }, { parts: many, etag: 'x' }])
    written.close()
    assert.ok(cutOff(path, Buffer.from(checksum)) > 50)
    const db = openDatabase(path, { readonly: true })
    const { versions, objects } = openTables(db)
    const all = { assetId: asset.id, deleted: 'with', limit: 9 } as const
    assert.deepEqual(
      versions.list(all).map(({ object }) => object),
      [{ etag: 'x' }, {}],
    )
    assert.equal(versions.briefById('id 0')?.object?.parts, undefined)
    for (const delimiter of ['', '/']) {
      const query = { bucketId, delimiter, limit: 9 }
      assert.deepEqual(objects.list(query).entries[0]?.version?.object, { etag: 'x' })
      assert.equal(objects.listVersions(query).entries.length, 2)
    }
    const damaged = { code: 'SQLITE_CORRUPT' }
    assert.throws(() => versions.byId('id 0'), damaged)
    assert.throws(() => versions.byNumber(asset.id, 2), damaged)
    db.close()
  } finally {
    rmSync(dir, { recursive: true })
  }
})
