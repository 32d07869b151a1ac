import { type Command, InvalidArgumentError } from 'commander'
import { allRows } from '../../connection/all-rows.ts'
import { type Connection, connect } from '../../connection/connection.ts'
import { findAsset } from '../../connection/find-asset.ts'
import { readPassword } from '../../connection/read-password.ts'
import { parseSeconds, timeText } from '../../output/amounts.ts'
import { print, printJson, say } from '../../output/say.ts'
import { printTable } from '../../output/table.ts'
import { UsageError } from '../../output/usage-error.ts'

interface CreateOptions {
  readonly prefix?: boolean
  readonly assetVersion?: number
  readonly expires: number
  readonly uses?: number
  readonly password?: boolean
  readonly note?: string
}

export function addShare(program: Command): void {
  const share = program
    .command('share')
    .summary('share: make, list and revoke links for people')
    .description('Links for people: they expire, are counted, and can be revoked.')
  share
    .command('create')
    .description(
      'Make a link to an asset, or with --prefix to all keys that begin so. It opens what you ' +
        'may read at the time it is used.',
    )
    .argument('<key>', 'key or id of the asset; with --prefix, what the keys begin with')
    .option('--prefix', 'share a part of the bucket: a page with its files')
    .option('--asset-version <number>', 'this version instead of the newest', parseCount)
    .option('--expires <time>', 'from 60s to 365d', parseExpiry, 7 * 86_400)
    .option('--uses <number>', 'downloads it is good for (default: any number)', parseCount)
    .option('--password', 'ask for a password: HOLDFAST_SHARE_PASSWORD, a pipe or the terminal')
    .option('--note <text>', 'for your own list')
    .action(async (key: string, options: CreateOptions, command: Command) => {
      await create(connect(command), key, options)
    })
  share
    .command('list', { isDefault: true })
    .description('List your links; with --all those of everybody.')
    .option('--all', 'of all makers; for administrators')
    .action(async (options: { all?: boolean }, command: Command) => await list(options, command))
  share
    .command('revoke')
    .description('Revoke a link: from now on it opens nothing.')
    .argument('<id>', 'id of the share, as listed')
    .action(async (id: string, _: unknown, command: Command) => {
      const { client, json, signal } = connect(command)
      await client.shares.revoke(id, { signal })
      if (json) printJson({ id, revoked: true })
    })
}

async function create(connection: Connection, key: string, options: CreateOptions): Promise<void> {
  const { client, bucket, json, signal } = connection
  const { assetVersion: version, note, uses } = options
  if (options.prefix === true && version !== undefined) {
    throw new UsageError('--asset-version belongs to one asset')
  }
  const asset = options.prefix === true ? undefined : await findAsset(connection, key)
  const target = asset === undefined ? { bucket, prefix: key } : { asset_id: asset.id }
  const password =
    options.password === true
      ? await readPassword('HOLDFAST_SHARE_PASSWORD', 'password of the link:')
      : undefined
  const made = await client.shares.create(
    {
      ...target,
      expires_in: options.expires,
      ...(version === undefined ? {} : { version }),
      ...(uses === undefined ? {} : { uses_max: uses }),
      ...(password === undefined ? {} : { password }),
      ...(note === undefined ? {} : { note }),
    },
    { signal },
  )
  if (json) return printJson(made)
  print(made.url)
  say(
    `good until ${timeText(made.expires_at)} UTC; revoke it with: holdfast share revoke ${made.id}`,
  )
}

async function list(options: { all?: boolean }, command: Command): Promise<void> {
  const { client, json, signal } = connect(command)
  const rows = await allRows(at => client.shares.list({ ...options, ...at }, { signal }))
  if (json) {
    for (const row of rows) printJson(row)
    return
  }
  const lines = rows.map(row => [
    row.id,
    row.state,
    row.asset_id ?? `${row.bucket}/${row.prefix}`,
    row.uses_max === null ? String(row.uses) : `${row.uses}/${row.uses_max}`,
    timeText(row.expires_at),
    row.maker_name,
    row.note,
  ])
  const head = ['ID', 'STATE', 'OPENS', 'USES', 'EXPIRES', 'MAKER', 'NOTE']
  printTable([head, ...lines], new Set([3]))
}

function parseExpiry(text: string): number {
  const seconds = parseSeconds(text)
  if (seconds === undefined || seconds < 60 || seconds > 365 * 86_400) {
    throw new InvalidArgumentError('It must be from 60s to 365d.')
  }
  return seconds
}

function parseCount(text: string): number {
  if (!/^[1-9]\d{0,6}$/.test(text)) throw new InvalidArgumentError('It must be a number from 1.')
  return Number(text)
}
