import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Asset, Version } from '@holdfast/core/records.ts'
import type { ChangeLine } from './change-line.ts'
import { lineText, parseLine } from './line-text.ts'

const at = '2026-11-27T11:30:13.202Z'
const earlier = '2026-11-26T00:00:00.000Z'
const sha256 = 'ab'.repeat(32)

const asset: Asset = {
  id: 'asset-1',
  createdSeq: 7,
  seq: 7,
  bucketId: 'bucket-1',
  key: 'folder/name.bin',
  name: 'name.bin',
  type: 'binary',
  service: 'rest',
  ownerId: 'owner-1',
  tags: [],
  metadata: {},
  acl: null,
  createdAt: at,
  createdBy: 'tester',
  updatedAt: at,
  deletedAt: null,
  trashed: false,
  versionId: 'version-1',
  versionNumber: 1,
  size: 4096,
  sha256,
  contentType: 'application/octet-stream',
  contentAt: at,
  lastNumber: 1,
}

const version: Version = {
  id: 'version-1',
  seq: 7,
  createdSeq: 7,
  assetId: 'asset-1',
  number: 1,
  kind: 'content',
  sha256,
  md5: null,
  size: 4096,
  contentType: 'application/octet-stream',
  metadata: {},
  tags: [],
  change: 'create',
  description: '',
  createdAt: at,
  createdBy: 'tester',
  deletedAt: null,
}

const blob = { sha256, size: 4096, blockBytes: 65_536, sums: 'AAAAAA==' }
const created = { seq: 7, what: 'asset.created', bucketId: 'bucket-1', assetId: 'asset-1' } as const

const plain: ChangeLine = {
  seq: 7,
  at,
  actor: 'tester',
  request: 'request-1',
  changes: [{ ...created, versionId: 'version-1' }],
  puts: { blobs: [blob], assets: [asset], versions: [version] },
  gone: {},
}

/** Each field of a record with another value than the usual one. */
function othersOf<T extends object>(record: T, others: { readonly [Field in keyof T]: T[Field] }) {
  return Object.entries(others).map(([field, value]) => ({ ...record, [field]: value }))
}

const otherAssets = othersOf(asset, {
  ...asset,
  createdSeq: 3,
  seq: 5,
  key: 'else/where',
  name: '',
  tags: ['a'],
  metadata: { a: [] },
  acl: { read: [], write: [] },
  createdAt: earlier,
  updatedAt: earlier,
  deletedAt: at,
  trashed: true,
  versionId: 'version-0',
  versionNumber: 4,
  size: 0,
  sha256: '',
  contentAt: earlier,
  lastNumber: 9,
})

const otherVersions = othersOf(version, {
  ...version,
  id: 'version-2',
  seq: 6,
  createdSeq: 2,
  assetId: 'asset-2',
  number: 3,
  kind: 'marker',
  sha256: '',
  md5: 'cd'.repeat(16),
  size: 1,
  contentType: 'text/plain',
  metadata: { note: null },
  tags: [{ name: 't', description: '', taggedAt: at }],
  change: 'delete',
  description: 'why',
  createdAt: earlier,
  createdBy: 'other',
  deletedAt: earlier,
})

describe('the text of a change line', () => {
  it('says everything once', () => {
    const text = lineText(plain)
    assert.deepEqual(parseLine(text), plain)
    assert.equal(text.split(sha256).length, 2)
    assert.equal(text.split('asset-1').length, 2)
    assert.ok(text.length < 640, `${text.length} characters`)
  })

  it('gives every unusual field back', () => {
    for (const other of otherAssets) {
      const line = { ...plain, puts: { ...plain.puts, assets: [other] } }
      assert.deepEqual(parseLine(lineText(line)), line)
    }
    for (const other of otherVersions) {
      const line = { ...plain, puts: { ...plain.puts, versions: [other] } }
      assert.deepEqual(parseLine(lineText(line)), line)
    }
  })

  it('holds several records of a kind, and lines without assets', () => {
    const second = { ...asset, id: 'asset-2', versionId: 'version-2' }
    const many = { blobs: [blob, { ...blob, sha256: 'cd'.repeat(32) }], assets: [asset, second] }
    const lines: ChangeLine[] = [
      { ...plain, puts: { ...plain.puts, ...many } },
      { ...plain, puts: { versions: [version] } },
      {
        ...plain,
        puts: {},
        gone: { assets: ['asset-1'], quotas: [{ scope: 'owner', name: 'o' }] },
      },
      { ...plain, puts: { assets: [{ ...asset, metadata: { a: 1 } }], versions: [version] } },
    ]
    for (const line of lines) assert.deepEqual(parseLine(lineText(line)), line)
  })

  it('tells a change of nothing from a change of the asset', () => {
    const changes = [{ seq: 6, what: 'bucket.updated' }, created] as const
    const line = { ...plain, changes }
    assert.deepEqual(parseLine(lineText(line)), line)
  })
})
