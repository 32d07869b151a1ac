import type { Command } from 'commander'
import { connect } from '../../connection/connection.ts'
import { collect } from '../../output/collect.ts'
import { print, printJson, say } from '../../output/say.ts'
import { printTable } from '../../output/table.ts'
import { parseExpiry, scopeCells, scopeHeads, scopeRequest } from './key-scope.ts'
import { userIdOf } from './user-id.ts'

interface CreateOptions {
  readonly permission?: readonly string[]
  readonly onBucket?: readonly string[]
  readonly expires?: number
  readonly user?: string
  readonly standalone?: boolean
}

export function addS3Keys(keys: Command): void {
  const s3 = keys
    .command('s3')
    .summary('S3 access keys: list, create, revoke')
    .description('Access keys of the S3 door: of oneself, of other users, or standing alone.')
  s3.command('list', { isDefault: true })
    .description('List S3 access keys, without the secrets.')
    .option('--user <name>', 'only those that act as this user; a name or an id')
    .action(async (options: { user?: string }, command: Command) => await list(options, command))
  s3.command('create')
    .description('Issue an access key id and a secret. They are printed this once.')
    .argument('<name>', 'what it is for')
    .option(
      '-p, --permission <scope>',
      'such as assets:read or *; without it, all that the user may',
      collect,
    )
    .option('--on-bucket <name>', 'confine it to this bucket; repeatable', collect)
    .option('--expires <time>', 'such as 90d; without it, never', parseExpiry)
    .option('--user <name>', 'act as this user; a name or an id')
    .option('--standalone', 'act as nobody else, also when made by a user')
    .action(async (name: string, options: CreateOptions, command: Command) => {
      await create(name, options, command)
    })
  s3.command('revoke')
    .description('Revoke an S3 access key at once.')
    .argument('<id>', 'access key id')
    .action(async (id: string, _: unknown, command: Command) => {
      const { client, json, signal } = connect(command)
      await client.s3Keys.revoke(id, { signal })
      if (json) printJson({ id, revoked: true })
    })
}

async function list(options: { user?: string }, command: Command): Promise<void> {
  const { client, json, signal } = connect(command)
  const query = options.user === undefined ? {} : { user_id: await userIdOf(client, options.user) }
  const { items } = await client.s3Keys.list(query, { signal })
  if (json) {
    for (const key of items) printJson(key)
    return
  }
  const rows = items.map(key => [key.id, key.name, key.user_id ?? 'itself', ...scopeCells(key)])
  printTable([['ACCESS KEY ID', 'NAME', 'ACTS AS', ...scopeHeads], ...rows])
}

async function create(name: string, options: CreateOptions, command: Command): Promise<void> {
  const { client, json, signal } = connect(command)
  const { permission, user, standalone } = options
  const request = {
    name,
    ...(standalone === true ? { user_id: null } : {}),
    ...(user === undefined ? {} : { user_id: await userIdOf(client, user) }),
    ...(permission === undefined ? {} : { permissions: [...permission] }),
    ...scopeRequest(options),
  }
  const key = await client.s3Keys.create(request, { signal })
  if (json) printJson(key)
  else {
    print(key.id)
    print(key.secret)
    say('access key id and secret; the secret is shown this once')
  }
}
