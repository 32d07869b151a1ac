import type { ObjectAcl, ObjectFacets, ObjectPart } from '@holdfast/core/objects.ts'
import type {
  NumbersOf,
  Stretch,
  StretchQuery,
  VersionAcl,
  VersionContent,
  VersionPage,
  VersionQuery,
} from '@holdfast/core/ports/asset-questions.ts'
import type {
  Asset,
  BriefVersion,
  JsonObject,
  Version,
  VersionTag,
} from '@holdfast/core/records.ts'
import type { SqliteDatabase } from '../database.ts'
import {
  codeOf,
  fromCode,
  fromHex,
  hexColumn,
  parseRecord,
  toIso,
  toIsoOrNull,
  toJsonOrNull,
  toMs,
  toMsOrNull,
} from '../row-values.ts'
import { Statements } from '../statements.ts'
import type { Words } from '../words.ts'
import { changes, indexFor, kinds, type VersionFilter, versionCondition } from './version-filter.ts'

/** As the table holds it, but for its digests and without parts. */
interface OwnRow {
  created_seq: number
  id: string
  seq: number
  asset: number
  number: number
  kind: number
  sha256_hex: string
  md5_hex: string
  size: number
  content_type: number
  metadata: string | null
  tags: string | null
  change: number
  description: string | null
  created_at: number
  created_by: number
  deleted_at: number | null
  is_null: number
  object: string | null
}

/** Single versions are read with their parts, which take up to a megabyte; lists go without. */
interface WholeRow extends OwnRow {
  parts: string | null
}

type OfAsset<Row> = Row & { asset_id: string }

const COLUMNS = [
  'created_seq',
  'id',
  'seq',
  'asset',
  'number',
  'kind',
  'sha256',
  'md5',
  'size',
  'content_type',
  'metadata',
  'tags',
  'change',
  'description',
  'created_at',
  'created_by',
  'deleted_at',
  'is_null',
  'object',
] as const
/** Last in the table: SQLite does not read the pages of a row behind what a query asks for. */
const WHOLE = [...COLUMNS, 'parts'] as const

/** The version `v` beside columns of other tables, where there is one. */
export type JoinedVersion = { readonly [name in keyof OwnRow as `v_${name}`]: OwnRow[name] }

/** An asset whose current version is not there. */
export interface Joinless {
  readonly v_id: null
}

export const JOINED_VERSION = COLUMNS.map(name => {
  if (name !== 'sha256' && name !== 'md5') return `v.${name} AS v_${name}`
  return hexColumn(name, 'v.').replace(` AS ${name}`, ` AS v_${name}`)
}).join(', ')

function versionColumns(names: readonly string[], table = ''): string {
  const columns = names.map(name => {
    const isDigest = name === 'sha256' || name === 'md5'
    return isDigest ? hexColumn(name, table) : `${table}${name}`
  })
  return columns.join(', ')
}

const CONTENTS = `SELECT content_type, max(size) AS size FROM versions
  WHERE asset = ? AND number >= ? AND number < ?
    AND kind = ${codeOf(kinds, 'content')} AND deleted_at IS NULL
  GROUP BY content_type`
const STRETCH = `SELECT count(*) AS rows, min(number) AS lowest FROM (SELECT number FROM versions
  WHERE asset = ? AND number < ? ORDER BY number DESC LIMIT ?)`
const ACLS = `SELECT number, object ->> '$.acl' AS acl FROM versions
  WHERE asset = ? AND kind = ${codeOf(kinds, 'content')} AND number >= ? AND number < ?
    AND object ->> '$.acl' IS NOT NULL ORDER BY number DESC LIMIT ?`

export interface VersionTables {
  readonly db: SqliteDatabase
  readonly words: Words
  readonly assets: { seqOf(id: string): number | undefined }
}

export class Versions {
  readonly #tables: VersionTables
  readonly #statements: Statements
  readonly #byId
  readonly #briefById
  readonly #seqOf
  readonly #byNumber
  readonly #null
  readonly #newest
  readonly #shown
  readonly #insert
  readonly #put
  readonly #remove
  readonly #keepId
  readonly #anyOf
  readonly #bytesOf

  constructor(tables: VersionTables) {
    const { db } = tables
    this.#tables = tables
    this.#statements = new Statements(db)
    const byId = 'WHERE v.id = ?'
    this.#byId = db.prepare<[string], OfAsset<WholeRow>>(`${selectOf(WHOLE)} ${byId}`)
    this.#briefById = db.prepare<[string], OfAsset<OwnRow>>(`${selectOf(COLUMNS)} ${byId}`)
    // The index of ids holds it: nothing of the version itself is read.
    this.#seqOf = db
      .prepare<[string], number>('SELECT created_seq FROM versions WHERE id = ?')
      .pluck()
    const whole = `SELECT ${versionColumns(WHOLE)} FROM versions`
    this.#byNumber = db.prepare<[number, number], WholeRow>(
      `${whole} WHERE asset = ? AND number = ?`,
    )
    const shown = 'WHERE asset = ? AND deleted_at IS NULL'
    this.#null = db.prepare<[number], WholeRow>(
      // Few rows of many: without a word SQLite takes the index in whose order they are.
      `${whole} INDEXED BY versions_null ${shown} AND is_null = 1 ORDER BY number DESC LIMIT 1`,
    )
    const older = `SELECT ${versionColumns(COLUMNS)} FROM versions
      ${shown} AND number < ? ORDER BY number DESC`
    this.#newest = db.prepare<[number, number], OwnRow>(`${older} LIMIT 1`)
    this.#shown = db.prepare<[number, number, number], OwnRow>(`${older} LIMIT ?`)
    const updates = WHOLE.filter(name => name !== 'created_seq' && name !== 'id')
    const insert = `INSERT INTO versions (${WHOLE.join(', ')})
      VALUES (${WHOLE.map(() => '?').join(', ')}) ON CONFLICT (created_seq)`
    this.#insert = db.prepare(`${insert} DO NOTHING`)
    this.#put = db.prepare(
      `${insert} DO UPDATE SET ${updates.map(name => `${name} = excluded.${name}`).join(', ')}`,
    )
    this.#remove = db.prepare('DELETE FROM versions WHERE id = ?')
    this.#keepId = db.prepare(
      'INSERT OR REPLACE INTO removed_versions (created_seq, id) VALUES (?, ?)',
    )
    this.#anyOf = db
      .prepare<[number], number>('SELECT 1 FROM versions WHERE asset = ? LIMIT 1')
      .pluck()
    this.#bytesOf = db
      .prepare<[number], number>('SELECT coalesce(sum(size), 0) FROM versions WHERE asset = ?')
      .pluck()
  }

  byId(id: string): Version | undefined {
    const row = this.#byId.get(id)
    return row === undefined ? undefined : this.#wholeOf(row, row.asset_id)
  }

  briefById(id: string): BriefVersion | undefined {
    const row = this.#briefById.get(id)
    return row === undefined ? undefined : this.#briefOf(row, row.asset_id)
  }

  /** The change that made it. */
  seqOf(id: string): number | undefined {
    return this.#seqOf.get(id)
  }

  byNumber(assetId: string, number: number): Version | undefined {
    const asset = this.#tables.assets.seqOf(assetId)
    const row = asset === undefined ? undefined : this.#byNumber.get(asset, number)
    return row === undefined ? undefined : this.#wholeOf(row, assetId)
  }

  /** What was read beside its asset; undefined where there was nothing to join. */
  joined(row: JoinedVersion | Joinless, assetId: string): BriefVersion | undefined {
    if (row.v_id === null) return undefined
    const own: OwnRow = {
      created_seq: row.v_created_seq,
      id: row.v_id,
      seq: row.v_seq,
      asset: row.v_asset,
      number: row.v_number,
      kind: row.v_kind,
      sha256_hex: row.v_sha256_hex,
      md5_hex: row.v_md5_hex,
      size: row.v_size,
      content_type: row.v_content_type,
      metadata: row.v_metadata,
      tags: row.v_tags,
      change: row.v_change,
      description: row.v_description,
      created_at: row.v_created_at,
      created_by: row.v_created_by,
      deleted_at: row.v_deleted_at,
      is_null: row.v_is_null,
      object: row.v_object,
    }
    return this.#briefOf(own, assetId)
  }

  /** The version that S3 calls `null`, marker or not. */
  nullVersion(assetId: string): Version | undefined {
    const asset = this.#tables.assets.seqOf(assetId)
    const row = asset === undefined ? undefined : this.#null.get(asset)
    return row === undefined ? undefined : this.#wholeOf(row, assetId)
  }

  /** Versions and markers that are not deleted, newest first. */
  shown(
    { id, createdSeq }: Pick<Asset, 'id' | 'createdSeq'>,
    query: { olderThan?: number; limit: number },
  ): BriefVersion[] {
    const olderThan = query.olderThan ?? Number.MAX_SAFE_INTEGER
    const newest = this.#newest.get(createdSeq, olderThan)
    if (newest === undefined || query.limit < 1) return []
    const versions = [this.#briefOf(newest, id)]
    // Most keys have one version, and one row costs a third of a list of one row.
    if (newest.number === 1 || query.limit === 1) return versions
    const older = this.#shown.all(createdSeq, newest.number, query.limit - 1)
    return [...versions, ...older.map(row => this.#briefOf(row, id))]
  }

  list(query: VersionQuery): BriefVersion[] {
    const where = this.#where(query)
    if (where === undefined) return []
    const order = query.oldestFirst === true ? 'ASC' : 'DESC'
    const sql = `${selectOf(COLUMNS, indexFor(query))} WHERE ${where.sql}
      ORDER BY v.number ${order} LIMIT ? OFFSET ?`
    return this.#statements
      .all<OfAsset<OwnRow>>(sql, [...where.values, query.limit, query.offset ?? 0])
      .map(row => this.#briefOf(row, row.asset_id))
  }

  count(query: VersionFilter): number {
    const where = this.#where(query)
    if (where === undefined) return 0
    const sql = `SELECT count(*) AS n FROM versions v WHERE ${where.sql}`
    return this.#statements.number(sql, where.values)
  }

  hasAny(assetSeq: number): boolean {
    return this.#anyOf.get(assetSeq) !== undefined
  }

  stretch({ assetId, below = Number.MAX_SAFE_INTEGER, rows }: StretchQuery): Stretch {
    const asset = this.#tables.assets.seqOf(assetId)
    const [found] =
      asset === undefined ? [] : this.#statements.all<Stretch>(STRETCH, [asset, below, rows])
    return found ?? { rows: 0, lowest: null }
  }

  contents(assetId: string, of?: NumbersOf): VersionContent[] {
    const asset = this.#tables.assets.seqOf(assetId)
    if (asset === undefined) return []
    const { words } = this.#tables
    const { from, below } = of ?? { from: 0, below: Number.MAX_SAFE_INTEGER }
    return this.#statements
      .all<Pick<OwnRow, 'content_type' | 'size'>>(CONTENTS, [asset, from, below])
      .map(row => ({ contentType: words.word(row.content_type), size: row.size }))
  }

  acls(assetId: string, page: VersionPage): VersionAcl[] {
    const asset = this.#tables.assets.seqOf(assetId)
    if (asset === undefined) return []
    const { from = 0, below = Number.MAX_SAFE_INTEGER, limit } = page
    const values = [asset, from, below, limit]
    const rows = this.#statements.all<{ number: number; acl: string }>(ACLS, values)
    return rows.map(({ number, acl }) => ({ number, acl: parseRecord<ObjectAcl>(acl) }))
  }

  bytes(assetId: string): number {
    const asset = this.#tables.assets.seqOf(assetId)
    return asset === undefined ? 0 : this.bytesOf(asset)
  }

  /** Bytes of all kept versions of an asset. */
  bytesOf(assetSeq: number): number {
    return this.#bytesOf.get(assetSeq) ?? 0
  }

  /** Inserts or replaces; returns what stood there before. `asset` is the number of its asset. */
  put(version: Version, asset: number): BriefVersion | undefined {
    const { words } = this.#tables
    const { parts, ...object } = version.object ?? {}
    const values = [
      version.createdSeq,
      version.id,
      version.seq,
      asset,
      version.number,
      codeOf(kinds, version.kind),
      version.kind === 'marker' ? null : fromHex(version.sha256),
      version.md5 === null ? null : fromHex(version.md5),
      version.size,
      words.number(version.contentType),
      toJsonOrNull(version.metadata),
      toJsonOrNull(version.tags),
      codeOf(changes, version.change),
      version.description === '' ? null : version.description,
      toMs(version.createdAt),
      words.number(version.createdBy),
      toMsOrNull(version.deletedAt),
      version.isNull === true ? 1 : 0,
      version.object === undefined ? null : JSON.stringify(object),
      parts === undefined ? null : JSON.stringify(parts),
    ]
    const isNew = version.seq === version.createdSeq && this.#insert.run(...values).changes === 1
    const before = isNew ? undefined : this.briefById(version.id)
    if (!isNew) this.#put.run(...values)
    return before
  }

  remove(id: string): BriefVersion | undefined {
    const before = this.briefById(id)
    if (before === undefined) return undefined
    this.#remove.run(id)
    this.#keepId.run(before.createdSeq, id)
    return before
  }

  #where(query: VersionFilter): { sql: string; values: unknown[] } | undefined {
    const asset = this.#tables.assets.seqOf(query.assetId)
    return asset === undefined ? undefined : versionCondition(query, asset)
  }

  #wholeOf(row: WholeRow, assetId: string): Version {
    const brief = row.object === null ? undefined : parseRecord<PartlessFacets>(row.object)
    if (row.parts === null) return this.#recordOf(row, assetId, brief)
    const parts = parseRecord<ObjectPart[]>(row.parts)
    return this.#recordOf(row, assetId, { ...brief, parts })
  }

  #briefOf(row: OwnRow, assetId: string): BriefVersion {
    const object = row.object === null ? undefined : parseRecord<PartlessFacets>(row.object)
    return this.#recordOf(row, assetId, object)
  }

  #recordOf<Facets>(row: OwnRow, assetId: string, object: Facets | undefined) {
    const { words } = this.#tables
    return {
      id: row.id,
      seq: row.seq,
      createdSeq: row.created_seq,
      assetId,
      number: row.number,
      kind: fromCode(kinds, row.kind),
      sha256: row.sha256_hex,
      md5: row.md5_hex === '' ? null : row.md5_hex,
      size: row.size,
      contentType: words.word(row.content_type),
      metadata: row.metadata === null ? {} : parseRecord<JsonObject>(row.metadata),
      tags: row.tags === null ? [] : parseRecord<VersionTag[]>(row.tags),
      change: fromCode(changes, row.change),
      description: row.description ?? '',
      createdAt: toIso(row.created_at),
      createdBy: words.word(row.created_by),
      deletedAt: toIsoOrNull(row.deleted_at),
      ...(row.is_null === 1 && { isNull: true }),
      ...(object !== undefined && { object }),
    }
  }
}

type PartlessFacets = Omit<ObjectFacets, 'parts'>

const selectOf = (names: readonly string[], index = '') => `SELECT ${versionColumns(names, 'v.')},
  a.id AS asset_id FROM versions v ${index} JOIN assets a ON a.created_seq = v.asset`
