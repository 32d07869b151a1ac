/**
 * The tables of the catalog. Everything in them can be made again from the packs (docs/format.md),
 * so a new version of the schema may also simply be rebuilt.
 *
 * Times are Unix milliseconds, digests are bytes, repeated words (services, owners, content types,
 * actors) are numbers of the `words` table. Assets and versions are ordered by the sequence of
 * the change that created them, which is the order of listings.
 */
/** The step at index n leads from schema n to n + 1; a released step never changes. */
export const migrations: readonly string[] = [
  `
  CREATE TABLE state (name TEXT PRIMARY KEY, value ANY) STRICT, WITHOUT ROWID;

  CREATE TABLE words (no INTEGER PRIMARY KEY, word TEXT NOT NULL UNIQUE) STRICT;

  CREATE TABLE buckets (
    no INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL UNIQUE,
    record TEXT NOT NULL
  ) STRICT;

  CREATE TABLE assets (
    created_seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    seq INTEGER NOT NULL,
    bucket INTEGER NOT NULL REFERENCES buckets (no),
    key TEXT NOT NULL,
    name TEXT NOT NULL,
    type INTEGER NOT NULL,
    service INTEGER NOT NULL,
    owner INTEGER NOT NULL,
    tags TEXT,
    metadata TEXT,
    acl TEXT,
    created_at INTEGER NOT NULL,
    created_by INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    deleted_at INTEGER,
    trashed INTEGER NOT NULL,
    version_id TEXT NOT NULL,
    version_number INTEGER NOT NULL,
    size INTEGER NOT NULL,
    sha256 BLOB NOT NULL,
    content_type INTEGER NOT NULL,
    content_at INTEGER NOT NULL,
    last_number INTEGER NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX assets_by_key ON assets (bucket, key) WHERE trashed = 0;
  CREATE INDEX assets_by_bucket ON assets (bucket, created_seq) WHERE deleted_at IS NULL;
  CREATE INDEX assets_by_service ON assets (service, created_seq) WHERE deleted_at IS NULL;
  CREATE INDEX assets_by_owner ON assets (owner, created_seq) WHERE deleted_at IS NULL;
  CREATE INDEX assets_deleted ON assets (created_seq) WHERE deleted_at IS NOT NULL;

  CREATE TABLE asset_tags (
    tag TEXT NOT NULL,
    asset INTEGER NOT NULL,
    PRIMARY KEY (tag, asset)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE versions (
    created_seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    seq INTEGER NOT NULL,
    asset INTEGER NOT NULL,
    number INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    sha256 BLOB,
    md5 BLOB,
    size INTEGER NOT NULL,
    content_type INTEGER NOT NULL,
    metadata TEXT,
    tags TEXT,
    change INTEGER NOT NULL,
    description TEXT,
    created_at INTEGER NOT NULL,
    created_by INTEGER NOT NULL,
    deleted_at INTEGER
  ) STRICT;
  CREATE UNIQUE INDEX versions_by_asset ON versions (asset, number);

  -- The change log goes on naming what was removed for good.
  CREATE TABLE removed_assets (created_seq INTEGER PRIMARY KEY, id TEXT NOT NULL) STRICT;
  CREATE TABLE removed_versions (created_seq INTEGER PRIMARY KEY, id TEXT NOT NULL) STRICT;

  CREATE TABLE blobs (
    sha256 BLOB PRIMARY KEY,
    size INTEGER NOT NULL,
    location TEXT NOT NULL,
    block_bytes INTEGER NOT NULL,
    sums BLOB NOT NULL,
    refs INTEGER NOT NULL,
    dead_since INTEGER
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX blobs_dead ON blobs (dead_since) WHERE dead_since IS NOT NULL;

  CREATE TABLE links (
    id TEXT PRIMARY KEY,
    created_seq INTEGER NOT NULL,
    from_id TEXT NOT NULL,
    to_id TEXT NOT NULL,
    type TEXT NOT NULL,
    record TEXT NOT NULL,
    UNIQUE (from_id, to_id, type)
  ) STRICT;
  CREATE INDEX links_to ON links (to_id);

  CREATE TABLE quotas (
    scope TEXT NOT NULL,
    name TEXT NOT NULL,
    record TEXT NOT NULL,
    PRIMARY KEY (scope, name)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE keys (
    id TEXT PRIMARY KEY,
    hash TEXT NOT NULL UNIQUE,
    record TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE changes (
    seq INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    actor INTEGER NOT NULL,
    request TEXT NOT NULL,
    what INTEGER NOT NULL,
    bucket INTEGER,
    asset INTEGER,
    version INTEGER,
    detail TEXT
  ) STRICT;
  CREATE INDEX changes_by_asset ON changes (asset, seq) WHERE asset IS NOT NULL;

  -- What lists and quotas ask, kept up in the transaction: kind is all, bucket, service, owner,
  -- type or service_type.
  CREATE TABLE counters (
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    assets INTEGER NOT NULL,
    live INTEGER NOT NULL,
    live_bytes INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    PRIMARY KEY (kind, name)
  ) STRICT, WITHOUT ROWID;

  CREATE VIRTUAL TABLE search USING fts5 (
    name, tags, metadata,
    content = '', contentless_delete = 1,
    tokenize = "unicode61 remove_diacritics 2"
  );
  `,
  `
  ALTER TABLE versions ADD COLUMN is_null INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE versions ADD COLUMN object TEXT;
  CREATE INDEX versions_null ON versions (asset) WHERE is_null = 1;

  CREATE TABLE composed_blobs (sha256 BLOB PRIMARY KEY, parts TEXT NOT NULL) STRICT, WITHOUT ROWID;

  CREATE TABLE uploads (
    created_seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    bucket INTEGER NOT NULL REFERENCES buckets (no),
    key TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    record TEXT NOT NULL
  ) STRICT;
  CREATE INDEX uploads_by_key ON uploads (bucket, key, created_seq);
  CREATE INDEX uploads_by_age ON uploads (created_at);

  CREATE TABLE parts (
    upload INTEGER NOT NULL REFERENCES uploads (created_seq),
    number INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    sha256 BLOB NOT NULL,
    record TEXT NOT NULL,
    PRIMARY KEY (upload, number)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE access_keys (id TEXT PRIMARY KEY, record TEXT NOT NULL) STRICT, WITHOUT ROWID;
  `,
  // 3: people and the audit log.
  `
  CREATE TABLE identities (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    belongs_to TEXT,
    record TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX identities_by_kind ON identities (kind, id);
  CREATE INDEX identities_of ON identities (belongs_to, id) WHERE belongs_to IS NOT NULL;

  CREATE TABLE identity_names (
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    id TEXT NOT NULL,
    PRIMARY KEY (kind, name)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX identity_names_of ON identity_names (id);

  CREATE TABLE audits (
    seq INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    outcome TEXT NOT NULL,
    severity TEXT NOT NULL,
    actor_type TEXT NOT NULL,
    session TEXT,
    ip TEXT NOT NULL,
    record TEXT NOT NULL
  ) STRICT;
  CREATE INDEX audits_by_actor ON audits (actor, seq);
  CREATE INDEX audits_by_action ON audits (action, seq);
  `,
  // 4: parts of objects apart, so that lists need not read them; the last column of its table.
  `
  ALTER TABLE versions ADD COLUMN parts TEXT;
  UPDATE versions SET parts = object -> '$.parts', object = json_remove(object, '$.parts')
    WHERE CASE WHEN json_valid(object) THEN object -> '$.parts' END IS NOT NULL;
  `,
  // 5: no counters of nothing, and the largest services at hand, however many there are; S3 keys by
  // whom they act as, but for damaged ones.
  `
  DELETE FROM counters WHERE assets = 0 AND live = 0 AND live_bytes = 0 AND bytes = 0;
  CREATE INDEX counters_largest_services ON counters (live_bytes DESC, name)
    WHERE kind = 'service' AND live > 0;
  CREATE INDEX access_keys_principal ON access_keys (record ->> '$.principalId')
    WHERE json_valid(record);
  `,
  // 6: content of assets that are nothing else but delete markers, however many these are.
  `
  CREATE INDEX versions_content ON versions (asset, number) WHERE kind = 0;
  `,
]

export const SCHEMA_VERSION = migrations.length
