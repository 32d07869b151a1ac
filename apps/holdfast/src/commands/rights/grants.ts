import type { Client } from '@holdfast/client'
import { isUuid } from '@holdfast/core/ids.ts'
import type { Command } from 'commander'
import { connect } from '../../connection/connection.ts'
import { onlyOne } from '../../connection/only-one.ts'
import { collect } from '../../output/collect.ts'
import { print, printJson } from '../../output/say.ts'
import { printTable } from '../../output/table.ts'
import { usersCalled } from '../people/user-id.ts'
import { groupsCalled, tellGroup } from './groups.ts'

interface GrantOptions {
  readonly permission: readonly string[]
  readonly prefix?: string
}

export function addGrants(program: Command): void {
  const grants = program
    .command('grants')
    .summary('rights on parts of buckets: list, add, remove')
    .description('What users and groups may with the assets of a bucket, or of a part of it.')
  grants
    .command('list', { isDefault: true })
    .description('List grants.')
    .option('--to <name>', 'only those to this user or group; a name or an id')
    .action(async (options: { readonly to?: string }, command: Command) => {
      const { client, json, signal } = connect(command)
      const { to } = options
      const query = to === undefined ? {} : { principal_id: await holderOf(client, to) }
      const { items } = await client.access.listGrants(query, { signal })
      if (json) {
        for (const grant of items) printJson(grant)
        return
      }
      const rows = items.map(one => {
        return [one.id, one.principal_id, one.bucket, one.prefix, one.permissions.join(' ')]
      })
      printTable([['ID', 'TO', 'BUCKET', 'PREFIX', 'MAY'], ...rows])
    })
  grants
    .command('add')
    .description('Let a user or a group into a bucket.')
    .argument('<to>', 'name or id of a user or a group')
    .argument('<bucket>', 'name of the bucket')
    .requiredOption('-p, --permission <scope>', 'such as assets:read; repeatable', collect)
    .option('--prefix <prefix>', 'only keys that begin so, such as docs/')
    .action(async (to: string, bucket: string, options: GrantOptions, command: Command) => {
      const { client, json, signal } = connect(command)
      const { permission, prefix = '' } = options
      const rights = { bucket, prefix, permissions: [...permission] }
      const about = { principal_id: await holderOf(client, to), ...rights }
      const grant = await client.access.grant(about, { signal })
      if (json) printJson(grant)
      else print(grant.id)
    })
  grants
    .command('remove')
    .description('Take a grant back.')
    .argument('<id>', 'id of the grant')
    .action(async (id: string, _: unknown, command: Command) => {
      const { client, json, signal } = connect(command)
      await client.access.revokeGrant(id, { signal })
      if (json) printJson({ id, removed: true })
    })
}

/** Of the one user or group that is called so. An id is that id, whoever chose it as a name. */
async function holderOf(client: Client, name: string): Promise<string> {
  if (isUuid(name)) return name
  const users = await usersCalled(client, name)
  const groups = await groupsCalled(client, name)
  const found = [
    ...users.map(({ id, username }) => ({ id, told: `${username} with id ${id}` })),
    ...groups.map(group => ({ id: group.id, told: tellGroup(group) })),
  ]
  return onlyOne(found, { name, what: 'user or group', tell: ({ told }) => told }).id
}
