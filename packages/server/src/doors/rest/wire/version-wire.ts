import type { HistoryList, VersionResponse } from '@holdfast/contract/schemas/version.ts'
import type { Asset, BriefVersion, Change } from '@holdfast/core/records.ts'
import { etagOf } from '../../../http/content/conditions.ts'

export function versionWire(
  version: BriefVersion,
  asset: Pick<Asset, 'versionId'>,
): VersionResponse {
  return {
    id: version.id,
    asset_id: version.assetId,
    version_number: version.number,
    kind: version.kind,
    is_current: version.id === asset.versionId,
    size: version.size,
    checksum: version.sha256,
    etag: version.kind === 'content' ? etagOf(version.sha256) : null,
    content_type: version.contentType,
    metadata: version.metadata,
    tags: version.tags.map(({ name, description, taggedAt }) => {
      return { name, description, tagged_at: taggedAt }
    }),
    change_type: version.change,
    change_description: version.description,
    created_at: version.createdAt,
    created_by: version.createdBy,
    is_deleted: version.deletedAt !== null,
    deleted_at: version.deletedAt,
  }
}

export function historyWire(change: Change): HistoryList['items'][number] {
  return {
    seq: change.seq,
    at: change.at,
    who: change.actor,
    what: change.what,
    version_id: change.versionId,
    request_id: change.requestId,
    detail: change.detail,
  }
}
