import type { Command } from 'commander'
import { type Connection, connect } from '../connection/connection.ts'
import { findAsset } from '../connection/find-asset.ts'
import { countText } from '../output/amounts.ts'
import { confirm } from '../output/confirm.ts'
import { print, printJson, say } from '../output/say.ts'
import { visible } from '../output/visible.ts'

interface RmOptions {
  readonly recursive?: boolean
  readonly hard?: boolean
  readonly yes?: boolean
}

export function addRm(program: Command): void {
  program
    .command('rm')
    .summary('delete an asset, or all below a prefix')
    .description('Delete an asset; restore brings it back, unless it was deleted with --hard.')
    .argument('<key>', 'key or id of the asset; with --recursive, beginning of the keys')
    .option('-r, --recursive', 'every asset whose key begins so')
    .option('--hard', 'for good, with all versions')
    .option('-y, --yes', 'do not ask')
    .action(async (name: string, options: RmOptions, command: Command) => {
      const connection = connect(command)
      if (options.recursive === true) await removeAll(connection, name, options)
      else await removeOne(connection, name, options)
    })
}

async function removeOne(connection: Connection, name: string, options: RmOptions): Promise<void> {
  const { client, bucket, json, signal } = connection
  const asset = await findAsset(connection, name)
  if (options.hard === true && !(await isSure(connection, options, visible(asset.key)))) return
  await client.assets.remove(asset.id, { hard: options.hard === true, signal })
  if (json) printJson({ id: asset.id, bucket, key: asset.key, hard: options.hard === true })
}

async function isSure({ signal }: Connection, options: RmOptions, what: string): Promise<boolean> {
  if (options.yes === true) return true
  const how = options.hard === true ? ' for good, with all versions' : ''
  if (await confirm(`Delete ${what}${how}?`, signal)) return true
  say('nothing was deleted')
  process.exitCode = 1
  return false
}

const BATCH = 500

async function removeAll(
  connection: Connection,
  prefix: string,
  options: RmOptions,
): Promise<void> {
  const { client, bucket, json, signal } = connection
  const isHard = options.hard === true
  const query = { bucket, prefix, ...(isHard ? { include_deleted: true } : {}) }
  const { total } = await client.assets.list({ ...query, limit: 1 }, { signal })
  if (total === 0) {
    throw new Error(`no key in ${bucket} begins with ${visible(prefix)}`)
  }
  if (!(await isSure(connection, options, `${countText(total, 'asset')} in ${bucket}`))) return
  const sum = { removed: 0, failed: 0 }
  let ids: string[] = []
  const flush = async () => {
    if (ids.length > 0) await removeBatch(connection, { ids, isHard }, sum)
    ids = []
  }
  for await (const { id } of client.assets.listAll({ ...query, limit: 1000 }, { signal })) {
    ids.push(id)
    if (ids.length === BATCH) await flush()
  }
  await flush()
  if (sum.failed > 0) process.exitCode = 1
  if (json) printJson({ bucket, prefix, hard: isHard, ...sum })
  else print(`Deleted ${countText(sum.removed, 'asset')}, ${sum.failed} failed.`)
}

async function removeBatch(
  { client, signal }: Connection,
  batch: { ids: readonly string[]; isHard: boolean },
  sum: { removed: number; failed: number },
): Promise<void> {
  const { results } = await client.assets.removeMany(batch.ids, { hard: batch.isHard, signal })
  for (const { id, status, error } of results) {
    if (status < 300) {
      sum.removed += 1
      continue
    }
    sum.failed += 1
    say(`${id}: ${error?.message ?? ''} (${error?.code ?? status})`)
  }
}
