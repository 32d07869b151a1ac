import type { AssetResponse } from '@holdfast/contract/schemas/asset.ts'
import type { Command } from 'commander'
import { type Connection, connect } from '../connection/connection.ts'
import { sizeText, timeText } from '../output/amounts.ts'
import { print, printJson } from '../output/say.ts'
import { visible } from '../output/visible.ts'

interface LsOptions {
  readonly long?: boolean
  readonly recursive?: boolean
}

export function addLs(program: Command): void {
  program
    .command('ls')
    .summary('list assets by the beginning of their keys')
    .description('List assets by the beginning of their keys; a/ stands for all that begins so.')
    .argument('[prefix]', 'beginning of the keys', '')
    .option('-l, --long', 'with size, time of the content, version and type')
    .option('-r, --recursive', 'every key below, not only the next level')
    .action(async (prefix: string, options: LsOptions, command: Command) => {
      const connection = connect(command)
      if (options.recursive === true) await listAll(connection, prefix, options)
      else await listLevel(connection, prefix, options)
    })
}

async function listAll(
  { client, bucket, json, signal }: Connection,
  prefix: string,
  options: LsOptions,
): Promise<void> {
  const show = json ? printJson : line(options)
  const query = { prefix, limit: 1000 }
  for await (const asset of client.assets.listAllKeys(bucket, query, { signal })) show(asset)
}

/** Keys are no paths, so what looks like a folder is made here: one line for all keys in it. */
async function listLevel(
  { client, bucket, json, signal }: Connection,
  prefix: string,
  options: LsOptions,
): Promise<void> {
  const show = json ? printJson : line(options)
  let folder: string | undefined
  const query = { prefix, limit: 1000 }
  for await (const asset of client.assets.listAllKeys(bucket, query, { signal })) {
    const slash = asset.key.indexOf('/', prefix.length)
    if (slash === -1) {
      show(asset)
      continue
    }
    const here = asset.key.slice(0, slash + 1)
    if (here === folder) continue
    folder = here
    if (json) printJson({ prefix: here })
    else print(options.long === true ? `${' '.repeat(LONG_WIDTH)}${visible(here)}` : visible(here))
  }
}

const LONG_WIDTH = 43

export function longLine(asset: AssetResponse): string {
  const size = sizeText(asset.size).padStart(10)
  const time = timeText(asset.content_updated_at)
  const version = `v${asset.current_version}`.padEnd(6)
  const type = asset.asset_type.padEnd(9)
  return `${size}  ${time}  ${version}${type}`
}

function line(options: LsOptions): (asset: AssetResponse) => void {
  return asset => {
    const key = visible(asset.key)
    print(options.long === true ? `${longLine(asset).padEnd(LONG_WIDTH)}${key}` : key)
  }
}
