import Type, { type Static } from 'typebox'
import {
  closed,
  limit,
  metadata,
  nullable,
  offset,
  page,
  time,
  totalBehind,
  UUID_PATTERN,
  uuid,
} from './fields.ts'

export const versionTag = Type.Object(
  {
    name: Type.String(),
    description: Type.String(),
    tagged_at: time('When the tag was set.'),
  },
  { title: 'VersionTag' },
)
export type VersionTag = Static<typeof versionTag>

const changeTypes = ['create', 'update', 'rollback', 'copy', 'delete'] as const

export const versionResponse = Type.Object(
  {
    id: uuid('Id of the version.'),
    asset_id: uuid('Its asset.'),
    version_number: Type.Integer({
      minimum: 1,
      description: 'Counts up from 1; a number is never used twice, deleted versions included.',
    }),
    kind: Type.Enum(['content', 'marker'], {
      description: 'A marker records that the asset was deleted; it has no content.',
    }),
    is_current: Type.Boolean(),
    size: Type.Integer({ minimum: 0 }),
    checksum: Type.String({ description: 'SHA-256 of the content, hex; empty for a marker.' }),
    etag: nullable(Type.String()),
    content_type: Type.String(),
    metadata,
    tags: Type.Array(versionTag),
    change_type: Type.Enum([...changeTypes]),
    change_description: Type.String(),
    created_at: time('When it was written.'),
    created_by: Type.String(),
    is_deleted: Type.Boolean(),
    deleted_at: nullable(time('When it was deleted.')),
  },
  {
    title: 'VersionResponse',
    description:
      'One immutable state of an asset. Who may change it, but not read old versions, is told ' +
      'no metadata, tags and description.',
  },
)
export type VersionResponse = Static<typeof versionResponse>

export const versionList = page(versionResponse, 'VersionList', totalBehind)
export type VersionList = Static<typeof versionList>

export const versionListQuery = Type.Object(
  {
    include_deleted: Type.Optional(
      Type.Boolean({ default: false, description: 'Deleted and pruned versions as well.' }),
    ),
    markers: Type.Optional(
      Type.Boolean({ default: false, description: 'Delete markers as well.' }),
    ),
    status: Type.Optional(
      Type.Enum(['current', 'previous', 'deleted'], {
        description: 'Only the current version, the kept ones beside it, or the deleted ones.',
      }),
    ),
    change_type: Type.Optional(
      Type.Enum([...changeTypes], { description: 'Only versions that were made so.' }),
    ),
    created_after: Type.Optional(time('Only versions written then or later.')),
    created_before: Type.Optional(time('Only versions written before.')),
    limit,
    offset,
  },
  closed,
)

export const versionUpdate = Type.Object(
  {
    tag: Type.Optional(
      Type.String({ minLength: 1, maxLength: 256, description: 'A tag to add to the version.' }),
    ),
    metadata: Type.Optional(metadata),
    change_description: Type.Optional(Type.String({ maxLength: 1000 })),
  },
  {
    ...closed,
    title: 'VersionUpdate',
    minProperties: 1,
    description: 'What is told about a version. Its content never changes.',
  },
)

export const versionTagRequest = Type.Object(
  {
    name: Type.String({ minLength: 1, maxLength: 256 }),
    description: Type.Optional(Type.String({ maxLength: 1000, default: '' })),
  },
  { ...closed, title: 'VersionTagRequest' },
)

const metadataChange = Type.Object({ old: Type.Unknown(), new: Type.Unknown() })

export const versionComparison = Type.Object(
  {
    from: versionResponse,
    to: versionResponse,
    size_diff: Type.Integer({ description: 'Bytes of `to` minus bytes of `from`.' }),
    checksum_changed: Type.Boolean(),
    metadata_changes: Type.Object({
      added: metadata,
      removed: metadata,
      changed: Type.Record(Type.String(), metadataChange),
    }),
  },
  { title: 'VersionComparison' },
)
export type VersionComparison = Static<typeof versionComparison>

const versionRef = Type.String({
  minLength: 1,
  maxLength: 36,
  pattern: `^([1-9][0-9]{0,9}|${UUID_PATTERN.slice(1, -1)})$`,
  description: 'Version number or version id.',
})

export const compareQuery = Type.Object({ from: versionRef, to: versionRef }, closed)

export const versionParams = Type.Object({
  id: uuid('Asset id.'),
  version_id: versionRef,
})

export const pruneRequest = Type.Object(
  {
    keep: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 1_000_000, description: 'Newest versions to keep.' }),
    ),
    older_than_days: Type.Optional(
      Type.Number({
        minimum: 0,
        maximum: 100_000,
        description: 'Take only versions older than this.',
      }),
    ),
    below: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: Number.MAX_SAFE_INTEGER,
        description:
          'Only versions with a smaller number: to go on, that of the last version of the answer ' +
          'before. `keep` counts from the newest version in any case.',
      }),
    ),
    dry_run: Type.Optional(Type.Boolean({ default: false, description: 'Tell, change nothing.' })),
  },
  {
    ...closed,
    title: 'PruneRequest',
    description:
      'Current and tagged versions always stay. Without limits, those of the bucket. One call ' +
      'takes up to 1,000 versions, fewer where much is said of them.',
  },
)

export const pruneResult = Type.Object(
  {
    dry_run: Type.Boolean(),
    pruned: Type.Array(versionResponse, {
      description: 'Newest first, without their metadata, up to 1,000.',
    }),
    pruned_count: Type.Integer({ minimum: 0, description: 'How many `pruned` has.' }),
    more: Type.Boolean({
      description: 'There are others to delete: ask again, `below` the last one told here.',
    }),
    keep: Type.Integer({ minimum: 1, description: 'Newest versions that were to stay.' }),
  },
  { title: 'PruneResult' },
)
export type PruneResult = Static<typeof pruneResult>

export const historyEntry = Type.Object(
  {
    seq: Type.Integer({ minimum: 1, description: 'Position in the change log of the store.' }),
    at: time('When.'),
    who: Type.String({ description: 'Id of the principal.' }),
    what: Type.String({ examples: ['asset.created', 'version.created'] }),
    version_id: nullable(Type.String()),
    request_id: Type.String(),
    detail: metadata,
  },
  { title: 'HistoryEntry' },
)

export const historyList = page(historyEntry, 'HistoryList', totalBehind)
export type HistoryList = Static<typeof historyList>

export const pageQuery = Type.Object({ limit, offset }, closed)
