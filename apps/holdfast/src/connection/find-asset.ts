import { type Client, isClientError } from '@holdfast/client'
import type { StatOptions } from '@holdfast/client/groups/asset-records.ts'
import type { AssetResponse } from '@holdfast/contract/schemas/asset.ts'
import { isUuid } from '@holdfast/core/ids.ts'
import type { Connection } from './connection.ts'
import { onlyOne } from './only-one.ts'

/** The asset that a person names: by key, or by id. A key may look like the id of another one. */
export async function findAsset(connection: Connection, name: string): Promise<AssetResponse> {
  const { client, bucket, signal } = connection
  const byId = await assetWithId(client, name, { signal })
  const named = client.assets.stat({ bucket, key: name }, { signal })
  if (byId === undefined) return await named
  return onlyOne([byId, await orNone(named)], { name, what: 'asset', tell: tellAsset })
}

/** None for what is no id, too. */
export async function assetWithId(
  client: Client,
  name: string,
  options: StatOptions,
): Promise<AssetResponse | undefined> {
  return isUuid(name) ? await orNone(client.assets.stat(name, options)) : undefined
}

export function tellAsset({ id, bucket, key }: AssetResponse): string {
  return `${bucket}/${key} with id ${id}`
}

async function orNone(asking: Promise<AssetResponse>): Promise<AssetResponse | undefined> {
  try {
    return await asking
  } catch (error) {
    if (isClientError(error) && MISSING.has(error.code)) return undefined
    throw error
  }
}

const MISSING = new Set(['ASSET_NOT_FOUND', 'BUCKET_NOT_FOUND'])
