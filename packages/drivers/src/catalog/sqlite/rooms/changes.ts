import type { Stretch, StretchQuery } from '@holdfast/core/ports/asset-questions.ts'
import type { AssetChangesQuery, ChangeQuestions } from '@holdfast/core/ports/catalog.ts'
import { type Change, changeKinds, type JsonObject } from '@holdfast/core/records.ts'
import type { SqliteDatabase } from '../database.ts'
import { codeOf, fromCode, parseRecord, toIso, toMs } from '../row-values.ts'
import type { Words } from '../words.ts'

interface ChangeRow {
  seq: number
  at: number
  actor: number
  request: string
  what: number
  bucket: number | null
  asset_id: string | null
  version_id: string | null
  detail: string | null
}

const SELECT = `SELECT c.seq, c.at, c.actor, c.request, c.what, c.bucket, c.detail,
  coalesce(a.id, ra.id) AS asset_id, coalesce(v.id, rv.id) AS version_id FROM changes c
  LEFT JOIN assets a ON a.created_seq = c.asset
  LEFT JOIN removed_assets ra ON ra.created_seq = c.asset
  LEFT JOIN versions v ON v.created_seq = c.version
  LEFT JOIN removed_versions rv ON rv.created_seq = c.version`

export interface ChangeTables {
  readonly db: SqliteDatabase
  readonly words: Words
  readonly assets: { seqOf(id: string): number | undefined }
}

/** Ids of records that a rebuild never met, because they were gone; kept in the detail. */
interface GoneIds {
  readonly gone_asset?: string
  readonly gone_version?: string
}

/** The change log: every row in the same transaction as what it tells. */
export class Changes implements ChangeQuestions {
  readonly #tables: ChangeTables
  readonly #after
  readonly #ofAsset
  readonly #stretch
  readonly #latest
  readonly #insert

  constructor(tables: ChangeTables) {
    const { db } = tables
    this.#tables = tables
    this.#after = db.prepare<[number, number], ChangeRow>(
      `${SELECT} WHERE c.seq > ? ORDER BY c.seq LIMIT ?`,
    )
    this.#ofAsset = db.prepare<[number, number, number, number], ChangeRow>(
      `${SELECT} WHERE c.asset = ? AND c.seq < ? ORDER BY c.seq DESC LIMIT ? OFFSET ?`,
    )
    this.#stretch = db.prepare<[number, number, number], Stretch>(
      `SELECT count(*) AS rows, min(seq) AS lowest FROM (SELECT seq FROM changes
         WHERE asset = ? AND seq < ? ORDER BY seq DESC LIMIT ?)`,
    )
    this.#latest = db.prepare<[], number>('SELECT max(seq) FROM changes').pluck()
    this.#insert = db.prepare(
      `INSERT OR REPLACE INTO changes
       (seq, at, actor, request, what, bucket, asset, version, detail)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    )
  }

  after(seq: number, limit: number): Change[] {
    return this.#after.all(seq, limit).map(row => this.#changeOf(row))
  }

  ofAsset(query: AssetChangesQuery): Change[] {
    const asset = this.#tables.assets.seqOf(query.assetId)
    if (asset === undefined) return []
    const { below = Number.MAX_SAFE_INTEGER, limit, offset = 0 } = query
    return this.#ofAsset.all(asset, below, limit, offset).map(row => this.#changeOf(row))
  }

  stretch({ assetId, below = Number.MAX_SAFE_INTEGER, rows }: StretchQuery): Stretch {
    const asset = this.#tables.assets.seqOf(assetId)
    const found = asset === undefined ? undefined : this.#stretch.get(asset, below, rows)
    return found ?? { rows: 0, lowest: null }
  }

  latest(): number {
    return this.#latest.get() ?? 0
  }

  /** Asset and version are named by the changes that created them. */
  add(change: Change, named: { asset: number | undefined; version: number | undefined }): void {
    const { words } = this.#tables
    const { asset, version } = named
    const gone: GoneIds = {
      ...(change.assetId !== null && asset === undefined && { gone_asset: change.assetId }),
      ...(change.versionId !== null && version === undefined && { gone_version: change.versionId }),
    }
    const detail = { ...change.detail, ...gone }
    this.#insert.run(
      change.seq,
      toMs(change.at),
      words.number(change.actor),
      change.requestId,
      codeOf(changeKinds, change.what),
      change.bucketId === null ? null : words.number(change.bucketId),
      asset ?? null,
      version ?? null,
      Object.keys(detail).length === 0 ? null : JSON.stringify(detail),
    )
  }

  #changeOf(row: ChangeRow): Change {
    const { words } = this.#tables
    const { gone_asset, gone_version, ...detail } =
      row.detail === null ? {} : parseRecord<JsonObject & GoneIds>(row.detail)
    return {
      seq: row.seq,
      at: toIso(row.at),
      actor: words.word(row.actor),
      requestId: row.request,
      what: fromCode(changeKinds, row.what),
      bucketId: row.bucket === null ? null : words.word(row.bucket),
      assetId: gone_asset ?? row.asset_id,
      versionId: gone_version ?? row.version_id,
      detail,
    }
  }
}
