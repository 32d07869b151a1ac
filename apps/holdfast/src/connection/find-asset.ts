import { isClientError } from '@holdfast/client'
import type { AssetResponse } from '@holdfast/contract/schemas/asset.ts'
import { isUuid } from '@holdfast/core/ids.ts'
import type { Connection } from './connection.ts'

/** The asset that a person names: by key, or by id when it looks like one. */
export async function findAsset(connection: Connection, name: string): Promise<AssetResponse> {
  const { client, bucket, signal } = connection
  if (isUuid(name)) {
    try {
      return await client.assets.stat(name, { signal })
    } catch (error) {
      // A key may look like an id, too.
      if (!isClientError(error) || error.code !== 'ASSET_NOT_FOUND') throw error
    }
  }
  return await client.assets.stat({ bucket, key: name }, { signal })
}
