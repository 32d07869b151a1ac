import type { VersionResponse } from '@holdfast/contract/schemas/version.ts'
import { invalidFields } from '@holdfast/core/errors.ts'
import type { Version } from '@holdfast/core/records.ts'
import { findAsset } from '@holdfast/engine/assets/find-asset.ts'
import { compareVersions } from '@holdfast/engine/versions/compare.ts'
import { assetHistory, getVersion, listVersions } from '@holdfast/engine/versions/list.ts'
import { pruneVersions } from '@holdfast/engine/versions/prune.ts'
import { removeVersion } from '@holdfast/engine/versions/remove.ts'
import { rollbackVersion } from '@holdfast/engine/versions/rollback.ts'
import { tagVersion, updateVersion } from '@holdfast/engine/versions/update.ts'
import { writeConditions } from '../../http/content/conditions.ts'
import type { Operations, Scope } from '../../http/exchange.ts'
import { changedVersionWire, changedVersionWires, type Teller } from './wire/told-wire.ts'
import { historyWire, versionWire } from './wire/version-wire.ts'

type Names =
  | 'listVersions'
  | 'compareVersions'
  | 'pruneVersions'
  | 'getHistory'
  | 'getVersion'
  | 'updateVersion'
  | 'removeVersion'
  | 'rollbackVersion'
  | 'tagVersion'

export const versionOperations: Pick<Operations, Names> = {
  listVersions: async exchange => {
    const { context, call, params, query } = exchange
    const { limit = 100, offset = 0, markers, status } = query
    const page = await listVersions(context.engine, call, params.id, {
      limit,
      offset,
      markers,
      status,
      includeDeleted: query.include_deleted,
      change: query.change_type,
      createdAfter: isoOf('created_after', query.created_after),
      createdBefore: isoOf('created_before', query.created_before),
    })
    const asset = await shownAsset(exchange, params.id)
    const items = page.items.map(version => versionWire(version, asset))
    return { items, total: page.total, limit, offset }
  },

  compareVersions: async exchange => {
    const { context, call, params, query } = exchange
    const found = await compareVersions(context.engine, call, params.id, query)
    const asset = await shownAsset(exchange, params.id)
    const { added, removed, changed } = found.metadataChanges
    return {
      from: versionWire(found.from, asset),
      to: versionWire(found.to, asset),
      size_diff: found.sizeDiff,
      checksum_changed: found.checksumChanged,
      metadata_changes: { added, removed, changed: { ...changed } },
    }
  },

  pruneVersions: async exchange => {
    const { context, call, params, body } = exchange
    const { pruned, more, dryRun, keep } = await pruneVersions(context.engine, call, params.id, {
      keep: body?.keep,
      olderThanDays: body?.older_than_days,
      below: body?.below,
      dryRun: body?.dry_run,
    })
    const asset = await shownAsset(exchange, params.id)
    const bare = pruned.map(version => ({ ...version, metadata: {} }))
    return {
      dry_run: dryRun,
      pruned: await changedVersionWires(tellerOf(exchange), asset, bare),
      pruned_count: pruned.length,
      more,
      keep,
    }
  },

  getHistory: async ({ context, call, params, query }) => {
    const { limit = 100, offset = 0 } = query
    const page = await assetHistory(context.engine, call, params.id, { limit, offset })
    return { items: page.items.map(historyWire), total: page.total, limit, offset }
  },

  getVersion: async exchange => {
    const { context, call, params } = exchange
    const version = await getVersion(context.engine, call, params.id, params.version_id)
    return versionWire(version, await shownAsset(exchange, params.id))
  },

  updateVersion: async exchange => {
    const { context, call, params, body } = exchange
    const version = await updateVersion(context.engine, call, target(params), {
      tag: body.tag === undefined ? undefined : { name: body.tag },
      metadata: body.metadata,
      description: body.change_description,
    })
    return await changedVersion(exchange, version)
  },

  removeVersion: async ({ context, call, params }) => {
    await removeVersion(context.engine, call, target(params))
    return undefined
  },

  rollbackVersion: async ({ context, call, params, request }) => {
    // Only who may read old versions comes this far.
    const { ifMatch } = writeConditions(request.headers)
    const done = await rollbackVersion(context.engine, call, target(params), { ifMatch })
    return versionWire(done.version, done.asset)
  },

  tagVersion: async exchange => {
    const { context, call, params, body } = exchange
    const version = await tagVersion(context.engine, call, target(params), body)
    return await changedVersion(exchange, version)
  },
}

async function changedVersion(exchange: Scope, version: Version): Promise<VersionResponse> {
  const asset = await shownAsset(exchange, version.assetId)
  return await changedVersionWire(tellerOf(exchange), asset, version)
}

function tellerOf({ context, call }: Scope): Teller {
  return { engine: context.engine, principal: call.principal }
}

function target(params: { id: string; version_id: string }) {
  return { assetId: params.id, version: params.version_id }
}

/** The asset of versions that the caller was just shown, to say which one is current. */
async function shownAsset({ context, call }: Scope, id: string) {
  const asset = await context.engine.catalog.view.assets.byId(id.toLowerCase())
  if (asset !== undefined) return asset
  return await findAsset(context.engine, call, { id, permission: 'versions:read', deleted: 'show' })
}

/** Any spelling of RFC 3339 as the one that records have. */
function isoOf(path: string, text: string | undefined): string | undefined {
  if (text === undefined) return undefined
  const time = new Date(text)
  if (!Number.isNaN(time.getTime())) return time.toISOString()
  // The schema takes leap seconds (RFC 3339 §5.7); no clock of ours has them.
  throw invalidFields({ path, problem: 'must be an ISO 8601 time' })
}
