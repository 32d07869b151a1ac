import type { Command } from 'commander'
import { connect } from '../connection/connection.ts'
import { collect } from '../output/collect.ts'
import { print, printJson, say } from '../output/say.ts'
import { printTable } from '../output/table.ts'
import { parseExpiry, scopeCells, scopeHeads, scopeRequest } from './people/key-scope.ts'
import { addS3Keys } from './people/s3-keys.ts'

interface CreateOptions {
  readonly permission: readonly string[]
  readonly onBucket?: readonly string[]
  readonly expires?: number
}

export function addKeys(program: Command): void {
  const keys = program
    .command('keys')
    .summary('API keys and S3 access keys: list, create, revoke')
    .description('API keys, and with `s3` the access keys of the S3 door.')
  keys
    .command('list', { isDefault: true })
    .description('List API keys, without the secrets.')
    .action(async (_: unknown, command: Command) => await list(command))
  keys
    .command('create')
    .description('Issue an API key. It is printed this once.')
    .argument('<name>', 'what it is for')
    .requiredOption('-p, --permission <scope>', 'such as assets:read or *; repeatable', collect)
    .option('--on-bucket <name>', 'confine it to this bucket; repeatable', collect)
    .option('--expires <time>', 'such as 90d; without it, never', parseExpiry)
    .action(async (name: string, options: CreateOptions, command: Command) => {
      await create(name, options, command)
    })
  keys
    .command('revoke')
    .description('Revoke an API key at once.')
    .argument('<id>', 'id of the key')
    .action(async (id: string, _: unknown, command: Command) => {
      const { client, json, signal } = connect(command)
      await client.keys.revoke(id, { signal })
      if (json) printJson({ id, revoked: true })
    })
  addS3Keys(keys)
}

async function list(command: Command): Promise<void> {
  const { client, json, signal } = connect(command)
  const { items } = await client.keys.list({ signal })
  if (json) {
    for (const key of items) printJson(key)
    return
  }
  const rows = items.map(key => [key.id, key.name, `${key.prefix}…`, ...scopeCells(key)])
  printTable([['ID', 'NAME', 'KEY', ...scopeHeads], ...rows])
}

async function create(name: string, options: CreateOptions, command: Command): Promise<void> {
  const { client, json, signal } = connect(command)
  const request = {
    name,
    permissions: [...options.permission],
    ...scopeRequest(options),
  }
  const key = await client.keys.create(request, { signal })
  if (json) printJson(key)
  else {
    print(key.key)
    say(`this is shown once; its id is ${key.id}`)
  }
}
