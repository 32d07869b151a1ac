import type { Client } from '@holdfast/client'
import type { AssetResponse } from '@holdfast/contract/schemas/asset.ts'
import type { Command } from 'commander'
import { connect } from '../../connection/connection.ts'
import { findAsset } from '../../connection/find-asset.ts'
import { collect } from '../../output/collect.ts'
import { print, printJson } from '../../output/say.ts'
import { UsageError } from '../../output/usage-error.ts'
import { visible } from '../../output/visible.ts'
import { principalIdOf } from '../people/user-id.ts'

interface AclOptions {
  readonly read?: readonly string[]
  readonly write?: readonly string[]
  readonly off?: boolean
}

/** For its owner and administrators it is always open; who is not named, is shut out. */
export function addAcl(program: Command): void {
  program
    .command('acl')
    .description(
      'Show or set who may read and write one asset. With a list it is open to its owner, to ' +
        'administrators and to whom the list names. Only administrators of users can name users ' +
        'by name, others by id (holdfast whoami tells one’s own).',
    )
    .argument('<key>', 'key or id of the asset')
    .option(
      '--read <who>',
      'user, id of a group, account or key, or anonymous; repeatable',
      collect,
    )
    .option('--write <who>', 'the same for writing; repeatable', collect)
    .option('--off', 'take the list away: roles, grants and public reading count again')
    .action(async (key: string, options: AclOptions, command: Command) => {
      await acl(key, options, command)
    })
}

async function acl(key: string, options: AclOptions, command: Command): Promise<void> {
  const connection = connect(command)
  const { client, json, signal } = connection
  const { read, write, off } = options
  const sets = read !== undefined || write !== undefined
  if (off === true && sets) throw new UsageError('--off takes the whole list away')
  const asset = await findAsset(connection, key)
  if (!sets && off !== true) return show(asset, json)
  const next = sets ? { read: await idsOf(client, read), write: await idsOf(client, write) } : null
  show(await client.assets.update(asset.id, { acl: next }, { signal }), json)
}

function show({ key, acl: list }: AssetResponse, json: boolean): void {
  if (json) printJson({ key, acl: list })
  else if (list === null) print(`${visible(key)}: no list`)
  else {
    print(`read: ${list.read.join(' ') || 'nobody else'}`)
    print(`write: ${list.write.join(' ') || 'nobody else'}`)
  }
}

async function idsOf(client: Client, names: readonly string[] = []): Promise<string[]> {
  const ids: string[] = []
  for (const name of names) {
    ids.push(name === 'anonymous' ? name : await principalIdOf(client, name))
  }
  return ids
}
