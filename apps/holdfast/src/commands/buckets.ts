import type { BucketResponse, BucketUpdate } from '@holdfast/contract/schemas/bucket.ts'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { connect } from '../connection/connection.ts'
import { parseSize, sizeText } from '../output/amounts.ts'
import { print, printJson } from '../output/say.ts'
import { printTable } from '../output/table.ts'
import { UsageError } from '../output/usage-error.ts'
import { principalIdOf } from './people/user-id.ts'

/** Commander makes an empty text of null, so the word stays until the settings are put together. */
type Limit = number | 'none'

interface SettingOptions {
  readonly versioning?: 'enabled' | 'disabled' | 'suspended'
  readonly publicRead?: 'on' | 'off'
  readonly contentTypes?: string
  readonly sizeMax?: Limit
  readonly versionsMax?: Limit
  readonly retentionDays?: Limit
  readonly corsOrigins?: string
}

interface ChangeOptions extends SettingOptions {
  readonly owner?: string
}

export function addBuckets(program: Command): void {
  const buckets = program
    .command('buckets')
    .summary('containers of assets: list, show, create, set, remove')
    .description('Containers of assets, with settings.')
  buckets
    .command('list', { isDefault: true })
    .description('List the buckets you may see.')
    .action(async (_: unknown, command: Command) => await list(command))
  buckets
    .command('show')
    .description('Show settings and usage of a bucket.')
    .argument('<name>')
    .action(async (name: string, _: unknown, command: Command) => {
      const { client, json, signal } = connect(command)
      show(await client.buckets.get(name, { signal }), json)
    })
  withSettings(buckets.command('create').description('Create a bucket.').argument('<name>')).action(
    async (name: string, options: SettingOptions, command: Command) => {
      const { client, json, signal } = connect(command)
      const bucket = await client.buckets.create({ name, ...settingsOf(options) }, { signal })
      show(bucket, json)
    },
  )
  withSettings(
    buckets
      .command('set')
      .description('Change settings of a bucket, or give it to another owner.')
      .argument('<name>')
      .option('--owner <owner>', 'user name, or id of a user, account or key; none: open by roles'),
  ).action(async (name: string, options: ChangeOptions, command: Command) => {
    const settings = settingsOf(options)
    const { owner } = options
    if (owner === undefined && Object.keys(settings).length === 0) {
      throw new UsageError('name a setting to change')
    }
    const { client, json, signal } = connect(command)
    const owned =
      owner === undefined
        ? {}
        : { owner_id: owner === 'none' ? null : await principalIdOf(client, owner) }
    show(await client.buckets.update(name, { ...settings, ...owned }, { signal }), json)
  })
  buckets
    .command('remove')
    .description('Remove an empty bucket.')
    .argument('<name>')
    .action(async (name: string, _: unknown, command: Command) => {
      const { client, json, signal } = connect(command)
      await client.buckets.remove(name, { signal })
      if (json) printJson({ name, removed: true })
    })
}

function withSettings(command: Command): Command {
  return command
    .addOption(
      new Option('--versioning <state>', 'keep old contents').choices([
        'enabled',
        'disabled',
        'suspended',
      ]),
    )
    .addOption(new Option('--public-read <state>', 'readable without a key').choices(['on', 'off']))
    .option('--content-types <types>', 'allowed types, comma-separated; empty for all')
    .option('--size-max <bytes>', 'largest asset, such as 10MiB, or none', parseBytes)
    .option('--versions-max <count>', 'versions that prune keeps, or none', parseCount)
    .option('--retention-days <days>', 'age at which prune takes versions, or none', parseCount)
    .option('--cors-origins <origins>', 'pages that may use it, comma-separated')
}

function settingsOf(options: SettingOptions): BucketUpdate {
  const { versioning, publicRead, contentTypes, sizeMax, versionsMax } = options
  const { retentionDays, corsOrigins } = options
  return {
    ...(versioning === undefined ? {} : { versioning }),
    ...(publicRead === undefined ? {} : { public_read: publicRead === 'on' }),
    ...(contentTypes === undefined ? {} : { content_types: wordsOf(contentTypes) }),
    ...(sizeMax === undefined ? {} : { asset_bytes_max: limitOf(sizeMax) }),
    ...(versionsMax === undefined ? {} : { versions_max: limitOf(versionsMax) }),
    ...(retentionDays === undefined ? {} : { version_retention_days: limitOf(retentionDays) }),
    ...(corsOrigins === undefined ? {} : { cors_origins: wordsOf(corsOrigins) }),
  }
}

function wordsOf(text: string): string[] {
  return text
    .split(',')
    .map(word => word.trim())
    .filter(word => word !== '')
}

function limitOf(limit: Limit): number | null {
  return limit === 'none' ? null : limit
}

function parseBytes(text: string): Limit {
  if (text === 'none') return text
  const bytes = parseSize(text)
  if (bytes === undefined) throw new InvalidArgumentError('It must look like 10MiB, or be none.')
  return bytes
}

function parseCount(text: string): Limit {
  if (text === 'none') return text
  if (!/^\d{1,7}$/.test(text)) throw new InvalidArgumentError('It must be a number, or none.')
  return Number(text)
}

async function list(command: Command): Promise<void> {
  const { client, json, signal } = connect(command)
  const rows: string[][] = []
  for await (const bucket of client.buckets.listAll({ signal })) {
    if (json) printJson(bucket)
    const { name, usage, versioning } = bucket
    const access = bucket.public_read ? 'public' : 'private'
    const [assets, size] = usage ? [String(usage.assets), sizeText(usage.bytes)] : ['-', '-']
    rows.push([name, assets, size, versioning, access])
  }
  if (json) return
  printTable([['BUCKET', 'ASSETS', 'SIZE', 'VERSIONING', 'READING'], ...rows], new Set([1, 2]))
}

function show(bucket: BucketResponse, json: boolean): void {
  if (json) {
    printJson(bucket)
    return
  }
  const { usage, ...facts } = bucket
  const used = usage && `: ${usage.assets} assets, ${sizeText(usage.bytes)}`
  print(`${bucket.name}${used ?? ''}`)
  printTable(Object.entries(facts).map(([name, value]) => [name, textOf(value)]))
}

function textOf(value: unknown): string {
  if (value === null) return 'none'
  return Array.isArray(value) ? value.join(', ') : String(value)
}
