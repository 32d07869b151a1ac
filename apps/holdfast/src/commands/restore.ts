import type { AssetResponse } from '@holdfast/contract/schemas/asset.ts'
import type { Command } from 'commander'
import { type Connection, connect } from '../connection/connection.ts'
import { assetWithId, tellAsset } from '../connection/find-asset.ts'
import { onlyOne } from '../connection/only-one.ts'
import { countText } from '../output/amounts.ts'
import { failureText } from '../output/failure-text.ts'
import { print, printJson, say } from '../output/say.ts'
import { visible } from '../output/visible.ts'

export function addRestore(program: Command): void {
  program
    .command('restore')
    .summary('bring a deleted asset back')
    .description('Bring a deleted asset back.')
    .argument('<key>', 'key or id of the asset; with --recursive, beginning of the keys')
    .option('-r, --recursive', 'every deleted asset whose key begins so')
    .action(async (name: string, options: { recursive?: boolean }, command: Command) => {
      const connection = connect(command)
      if (options.recursive === true) await restoreAll(connection, name)
      else await restoreOne(connection, name)
    })
}

async function restoreOne(connection: Connection, name: string): Promise<void> {
  const { client, json, signal } = connection
  const { id } = await deletedAsset(connection, name)
  const asset = await client.assets.restore(id, { signal })
  if (json) printJson(asset)
}

async function deletedAsset(connection: Connection, name: string): Promise<AssetResponse> {
  const { client, bucket, signal } = connection
  const newest = await lastDeleted(connection, name)
  const byId = await assetWithId(client, name, { includeDeleted: true, signal })
  if (byId === undefined && newest === undefined) {
    throw new Error(`no deleted asset in ${bucket} has the key ${visible(name)}`)
  }
  return onlyOne([byId, newest], { name, what: 'asset', tell: tellAsset })
}

/** A key may have been deleted several times: the newest one comes back. */
async function lastDeleted(
  connection: Connection,
  key: string,
): Promise<AssetResponse | undefined> {
  let newest: AssetResponse | undefined
  for await (const asset of deletedAssets(connection, key)) {
    if (asset.key !== key) continue
    if ((newest?.deleted_at ?? '') < (asset.deleted_at ?? '')) newest = asset
  }
  return newest
}

async function restoreAll(connection: Connection, prefix: string): Promise<void> {
  const { client, bucket, json, signal } = connection
  // Restoring takes assets out of the listing, so it is read to its end first.
  const found = await Array.fromAsync(deletedAssets(connection, prefix))
  const sum = { restored: 0, failed: 0 }
  for (const { id, key } of found) {
    try {
      await client.assets.restore(id, { signal })
      sum.restored += 1
    } catch (error) {
      signal.throwIfAborted()
      sum.failed += 1
      say(`${visible(key)}: ${failureText(error)}`)
    }
  }
  if (sum.failed > 0) process.exitCode = 1
  if (json) printJson({ bucket, prefix, ...sum })
  else print(`Restored ${countText(sum.restored, 'asset')}, ${sum.failed} failed.`)
}

function deletedAssets({ client, bucket, signal }: Connection, prefix: string) {
  const query = { bucket, prefix, only_deleted: true, limit: 1000 }
  return client.assets.listAll(query, { signal })
}
