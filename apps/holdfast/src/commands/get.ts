import { mkdir, stat } from 'node:fs/promises'
import { basename, dirname, resolve } from 'node:path'
import { isClientError } from '@holdfast/client'
import type { AssetResponse } from '@holdfast/contract/schemas/asset.ts'
import type { Command } from 'commander'
import { type Connection, connect } from '../connection/connection.ts'
import { findAsset } from '../connection/find-asset.ts'
import { getFile, type RemoteFile } from '../transfer/get-file.ts'
import { showProgress } from '../transfer/progress.ts'
import { safeName } from '../transfer/safe-name.ts'
import { isHopeless, Tally } from '../transfer/tally.ts'
import { TargetTree } from '../transfer/target-tree.ts'
import { runPool } from '../transfer/work-pool.ts'
import { parseJobs } from './put.ts'

interface GetOptions {
  readonly recursive?: boolean
  readonly jobs: number
  readonly sync?: boolean
  readonly skipExisting?: boolean
  readonly portable?: boolean
  readonly progress: boolean
}

export function addGet(program: Command): void {
  program
    .command('get')
    .summary('get an asset, or all below a prefix')
    .description(
      'Get an asset into a file, or with --recursive all assets whose keys begin so into a ' +
        'directory. Nothing is ever written outside of it: parts of keys such as .. become %2E%2E.',
    )
    .argument('<key>', 'key or id of the asset; with --recursive, beginning of the keys')
    .argument('[target]', 'file or directory; - writes the bytes to the output')
    .option('-r, --recursive', 'every asset whose key begins so')
    .option('-j, --jobs <count>', 'files on their way at once', parseJobs, 8)
    .option('--sync', 'leave out files that are there already with the same content')
    .option('--skip-existing', 'the same as --sync')
    .option('--portable', 'names that Windows can hold, too')
    .option('--no-progress', 'no progress bar')
    .action(
      async (key: string, target: string | undefined, options: GetOptions, command: Command) => {
        const connection = connect(command)
        if (options.recursive === true)
          await getAll(connection, key, { target: target ?? '.', options })
        else if (target === '-') await pipeOne(connection, key)
        else await getOne(connection, key, { target, options })
      },
    )
}

async function pipeOne(connection: Connection, name: string): Promise<void> {
  const asset = await findAsset(connection, name)
  const { client, signal } = connection
  for await (const chunk of await client.assets.get(asset.id, { signal, ifMatch: asset.etag })) {
    if (!process.stdout.write(chunk)) {
      await new Promise(resolve => process.stdout.once('drain', resolve))
    }
  }
}

async function getOne(
  connection: Connection,
  name: string,
  to: { target: string | undefined; options: GetOptions },
): Promise<void> {
  const { client, json, signal } = connection
  const asset = await findAsset(connection, name)
  const last = asset.key.split('/').at(-1) ?? ''
  const file = safeName(last, to.options.portable === true || process.platform === 'win32')
  const path = to.target === undefined ? resolve(file) : await fileIn(to.target, file)
  await mkdir(dirname(path), { recursive: true })
  const tally = new Tally()
  const progress = showProgress(
    'get',
    { files: 1, bytes: asset.size },
    !to.options.progress || json,
  )
  try {
    const sync = to.options.sync === true || to.options.skipExisting === true
    const outcome = await getFile({ client, signal, progress, sync }, asset, path)
    if (outcome === 'got') tally.done(asset.size)
    else tally.skip()
  } finally {
    progress.stop()
  }
  tally.report(`Got ${basename(path)}:`, json)
}

async function fileIn(target: string, name: string): Promise<string> {
  const path = resolve(target)
  const facts = await stat(path).catch(() => undefined)
  const isDir = facts?.isDirectory() === true || /[/\\]$/.test(target)
  if (!isDir) return path
  const tree = await TargetTree.open(path, false)
  return await tree.prepare(name)
}

/** `photos/2026` and `photos/2026/` both are below `photos/`: paths begin behind the last slash. */
async function getAll(
  connection: Connection,
  prefix: string,
  to: { target: string; options: GetOptions },
): Promise<void> {
  const { client, bucket, json, signal } = connection
  const { options } = to
  const tree = await TargetTree.open(to.target, options.portable === true)
  const tally = new Tally()
  const files: { asset: RemoteFile; place: string }[] = []
  const baseLength = prefix.lastIndexOf('/') + 1
  let bytes = 0
  const query = { prefix, limit: 1000 }
  for await (const asset of client.assets.listAllKeys(bucket, query, { signal })) {
    files.push({ asset: factsOf(asset), place: tree.place(asset.key.slice(baseLength)) })
    bytes += asset.size
  }
  const progress = showProgress('get', { files: files.length, bytes }, !options.progress || json)
  const sync = options.sync === true || options.skipExisting === true
  const task = { client, signal, progress, sync }
  try {
    await runPool(files, options.jobs, async ({ asset, place }) => {
      signal.throwIfAborted()
      try {
        const path = await tree.prepare(place)
        const outcome = await getLatest(
          connection,
          asset,
          async now => await getFile(task, now, path),
        )
        if (outcome === 'got') tally.done(asset.size)
        else tally.skip()
      } catch (error) {
        signal.throwIfAborted()
        if (isHopeless(error)) throw error
        tally.fail(asset.key, error)
      }
      progress.fileDone()
    })
  } finally {
    progress.stop()
    tally.report('Got', json)
  }
}

function factsOf({ id, key, size, checksum, etag }: AssetResponse): RemoteFile {
  return { id, key, size, checksum, etag }
}

/** A long run meets assets that changed since they were listed: they are looked at once more. */
async function getLatest<T>(
  { client, signal }: Connection,
  asset: RemoteFile,
  get: (asset: RemoteFile) => Promise<T>,
): Promise<T> {
  try {
    return await get(asset)
  } catch (error) {
    if (!isClientError(error) || error.status !== 412) throw error
    return await get(factsOf(await client.assets.stat(asset.id, { signal })))
  }
}
