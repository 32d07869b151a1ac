/**
 * What two catalogs of one store must agree on, as rows whose first columns name the record.
 * Numbers of words and buckets are each catalog's own, so rows have the words themselves. Left out
 * is when a blob died: a rebuild begins its grace period anew.
 */
export interface ComparedRows {
  readonly table: string
  /** So many columns are the key, in the order of the rows. */
  readonly keys: number
  readonly sql: string
}

const word = (column: string) => `(SELECT word FROM words WHERE no = ${column})`
const bucket = (column: string) => `(SELECT id FROM buckets WHERE no = ${column})`

export const comparedRows: readonly ComparedRows[] = [
  {
    table: 'schema',
    keys: 2,
    sql: 'SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name',
  },
  { table: 'buckets', keys: 1, sql: 'SELECT id, name, record FROM buckets ORDER BY id' },
  {
    table: 'assets',
    keys: 1,
    sql: `SELECT created_seq, id, seq, ${bucket('bucket')}, key, name, type, ${word('service')},
      ${word('owner')}, tags, metadata, acl, created_at, ${word('created_by')}, updated_at,
      deleted_at, trashed, version_id, version_number, size, sha256, ${word('content_type')},
      content_at, last_number FROM assets ORDER BY created_seq`,
  },
  { table: 'asset_tags', keys: 2, sql: 'SELECT tag, asset FROM asset_tags ORDER BY tag, asset' },
  {
    table: 'versions',
    keys: 1,
    sql: `SELECT created_seq, id, seq, asset, number, kind, sha256, md5, size,
      ${word('content_type')}, metadata, tags, change, description, created_at,
      ${word('created_by')}, deleted_at, is_null, object, parts FROM versions ORDER BY created_seq`,
  },
  {
    table: 'blobs',
    keys: 1,
    sql: `SELECT sha256, size, location, block_bytes, sums, refs, dead_since IS NULL
      FROM blobs ORDER BY sha256`,
  },
  {
    table: 'composed_blobs',
    keys: 1,
    sql: 'SELECT sha256, parts FROM composed_blobs ORDER BY sha256',
  },
  {
    table: 'links',
    keys: 1,
    sql: 'SELECT id, created_seq, from_id, to_id, type, record FROM links ORDER BY id',
  },
  { table: 'quotas', keys: 2, sql: 'SELECT scope, name, record FROM quotas ORDER BY scope, name' },
  { table: 'keys', keys: 1, sql: 'SELECT id, hash, record FROM keys ORDER BY id' },
  { table: 'access_keys', keys: 1, sql: 'SELECT id, record FROM access_keys ORDER BY id' },
  {
    table: 'uploads',
    keys: 1,
    sql: `SELECT created_seq, id, ${bucket('bucket')}, key, created_at, record
      FROM uploads ORDER BY created_seq`,
  },
  {
    table: 'parts',
    keys: 2,
    sql: 'SELECT upload, number, created_at, sha256, record FROM parts ORDER BY upload, number',
  },
  {
    table: 'identities',
    keys: 1,
    sql: 'SELECT id, kind, belongs_to, record FROM identities ORDER BY id',
  },
  {
    table: 'identity_names',
    keys: 2,
    sql: 'SELECT kind, name, id FROM identity_names ORDER BY kind, name',
  },
  {
    table: 'audits',
    keys: 1,
    sql: `SELECT seq, at, actor, action, outcome, severity, actor_type, session, ip, record
      FROM audits ORDER BY seq`,
  },
  {
    table: 'changes',
    keys: 1,
    // A rebuild never meets what is gone for good, so it keeps such ids in the detail.
    sql: `SELECT c.seq, c.at, ${word('c.actor')}, c.request, c.what, ${word('c.bucket')},
      coalesce(c.detail ->> 'gone_asset', a.id, ra.id),
      coalesce(c.detail ->> 'gone_version', v.id, rv.id),
      nullif(json_remove(c.detail, '$.gone_asset', '$.gone_version'), '{}')
      FROM changes c
      LEFT JOIN assets a ON a.created_seq = c.asset
      LEFT JOIN removed_assets ra ON ra.created_seq = c.asset
      LEFT JOIN versions v ON v.created_seq = c.version
      LEFT JOIN removed_versions rv ON rv.created_seq = c.version
      ORDER BY c.seq`,
  },
  {
    table: 'counters',
    keys: 2,
    sql: `SELECT kind, name, assets, live, live_bytes, bytes FROM counters
      WHERE assets <> 0 OR live <> 0 OR live_bytes <> 0 OR bytes <> 0 ORDER BY kind, name`,
  },
]
