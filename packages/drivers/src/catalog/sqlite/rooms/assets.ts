import type { Asset } from '@holdfast/core/records.ts'
import type { SqliteDatabase } from '../database.ts'
import type { Words } from '../words.ts'
import {
  ASSET_COLUMNS,
  type AssetRow,
  assetColumns,
  assetOfRow,
  valuesOfAsset,
} from './asset-rows.ts'
import type { Buckets } from './buckets.ts'
import type { Counters } from './counters.ts'

export interface AssetTables {
  readonly db: SqliteDatabase
  readonly buckets: Buckets
  readonly words: Words
  readonly counters: Counters
}

/** Asset records with what hangs on them: tags and totals follow every put by themselves. */
export class Assets {
  readonly #tables: AssetTables
  readonly #byId
  readonly #byKey
  readonly #seqOf
  readonly #insert
  readonly #put
  readonly #remove
  readonly #keepId
  readonly #addTag
  readonly #dropTag

  constructor(tables: AssetTables) {
    const { db } = tables
    this.#tables = tables
    const columns = assetColumns()
    this.#byId = db.prepare<[string], AssetRow>(`SELECT ${columns} FROM assets WHERE id = ?`)
    this.#byKey = db.prepare<[number, string], AssetRow>(
      `SELECT ${columns} FROM assets WHERE bucket = ? AND key = ? AND trashed = 0`,
    )
    this.#seqOf = db
      .prepare<[string], number>('SELECT created_seq FROM assets WHERE id = ?')
      .pluck()
    const updates = ASSET_COLUMNS.filter(name => name !== 'created_seq' && name !== 'id')
    const insert = `INSERT INTO assets (${ASSET_COLUMNS.join(', ')})
      VALUES (${ASSET_COLUMNS.map(() => '?').join(', ')}) ON CONFLICT (created_seq)`
    this.#insert = db.prepare(`${insert} DO NOTHING`)
    this.#put = db.prepare(
      `${insert} DO UPDATE SET ${updates.map(name => `${name} = excluded.${name}`).join(', ')}`,
    )
    this.#remove = db.prepare('DELETE FROM assets WHERE id = ?')
    this.#keepId = db.prepare(
      'INSERT OR REPLACE INTO removed_assets (created_seq, id) VALUES (?, ?)',
    )
    this.#addTag = db.prepare('INSERT OR IGNORE INTO asset_tags (tag, asset) VALUES (?, ?)')
    this.#dropTag = db.prepare('DELETE FROM asset_tags WHERE tag = ? AND asset = ?')
  }

  byId(id: string): Asset | undefined {
    return this.#recordOf(this.#byId.get(id))
  }

  byKey(bucketId: string, key: string): Asset | undefined {
    const bucket = this.#tables.buckets.no(bucketId)
    return bucket === undefined ? undefined : this.#recordOf(this.#byKey.get(bucket, key))
  }

  /** The number that versions, tags and changes know the asset by. */
  seqOf(id: string): number | undefined {
    return this.#seqOf.get(id)
  }

  /** Inserts or replaces; returns what stood there before. */
  put(asset: Asset): Asset | undefined {
    const { buckets, words, counters } = this.#tables
    const bucket = buckets.no(asset.bucketId)
    if (bucket === undefined) throw new Error(`the catalog has no bucket ${asset.bucketId}`)
    const values = valuesOfAsset(asset, bucket, words)
    // Most puts are of new assets: those need no look at what was there.
    const isNew = asset.seq === asset.createdSeq && this.#insert.run(...values).changes === 1
    const before = isNew ? undefined : this.byId(asset.id)
    if (!isNew) this.#put.run(...values)
    if (before !== undefined) counters.countAsset(before, -1)
    counters.countAsset(asset, 1)
    for (const tag of before?.tags ?? []) {
      if (!asset.tags.includes(tag)) this.#dropTag.run(tag, asset.createdSeq)
    }
    for (const tag of asset.tags) {
      if (before?.tags.includes(tag) !== true) this.#addTag.run(tag, asset.createdSeq)
    }
    return before
  }

  remove(id: string): Asset | undefined {
    const before = this.byId(id)
    if (before === undefined) return undefined
    for (const tag of before.tags) this.#dropTag.run(tag, before.createdSeq)
    this.#remove.run(id)
    this.#keepId.run(before.createdSeq, id)
    this.#tables.counters.countAsset(before, -1)
    return before
  }

  #recordOf(row: AssetRow | undefined): Asset | undefined {
    return row === undefined ? undefined : assetOfRow(row, this.#tables.buckets, this.#tables.words)
  }
}
