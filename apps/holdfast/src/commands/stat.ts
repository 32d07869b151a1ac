import type { AssetResponse } from '@holdfast/contract/schemas/asset.ts'
import type { VersionResponse } from '@holdfast/contract/schemas/version.ts'
import type { Command } from 'commander'
import { connect } from '../connection/connection.ts'
import { findAsset } from '../connection/find-asset.ts'
import { sizeText, timeText } from '../output/amounts.ts'
import { printJson } from '../output/say.ts'
import { printTable } from '../output/table.ts'

export function addStat(program: Command): void {
  program
    .command('stat')
    .summary('show what is known of an asset')
    .description('Show what is known of an asset.')
    .argument('<key>', 'key or id of the asset')
    .option('--versions', 'its versions, newest first')
    .action(async (name: string, options: { versions?: boolean }, command: Command) => {
      const connection = connect(command)
      const { client, json, signal } = connection
      const asset = await findAsset(connection, name)
      if (options.versions !== true) {
        if (json) printJson(asset)
        else showAsset(asset)
        return
      }
      const versions: VersionResponse[] = []
      for await (const version of client.versions.listAll(asset.id, { limit: 1000 }, { signal })) {
        if (json) printJson(version)
        else versions.push(version)
      }
      if (!json) showVersions(versions)
    })
}

function showAsset(asset: AssetResponse): void {
  const rows: [string, string][] = [
    ['key', asset.key],
    ['name', asset.name],
    ['bucket', asset.bucket],
    ['id', asset.id],
    ['size', `${sizeText(asset.size)} (${asset.size} bytes)`],
    ['content', `${asset.content_type} (${asset.asset_type})`],
    ['sha256', asset.checksum],
    ['version', `${asset.current_version}, of ${asset.content_updated_at}`],
    ['created', `${asset.created_at} by ${asset.created_by}`],
    ['changed', asset.updated_at],
    ['service', asset.service],
    ['owner', asset.owner_id],
  ]
  if (asset.tags.length > 0) rows.push(['tags', asset.tags.join(', ')])
  if (Object.keys(asset.metadata).length > 0)
    rows.push(['metadata', JSON.stringify(asset.metadata)])
  if (asset.deleted_at !== null) rows.push(['deleted', asset.deleted_at])
  printTable(rows)
}

function showVersions(versions: readonly VersionResponse[]): void {
  const rows = versions.map(version => [
    String(version.version_number),
    version.is_current
      ? 'current'
      : version.is_deleted
        ? 'deleted'
        : version.kind === 'marker'
          ? 'marker'
          : '',
    sizeText(version.size),
    timeText(version.created_at),
    version.change_type,
    version.tags.map(({ name }) => name).join(','),
    version.checksum.slice(0, 12),
  ])
  const heads = ['VERSION', 'STATE', 'SIZE', 'WRITTEN', 'CHANGE', 'TAGS', 'SHA-256']
  printTable([heads, ...rows], new Set([0, 2]))
}
