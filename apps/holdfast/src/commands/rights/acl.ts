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
        'administrators and to whom the list names; a part that is not named stays as it is. ' +
        'Only administrators of users can name users by name, others by id (holdfast whoami ' +
        'tells one’s own).',
    )
    .argument('<key>', 'key or id of the asset')
    .option(
      '--read <who>',
      'user, id of a group, account or key, or anonymous; repeatable; empty for nobody else',
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
  const { acl: was, record_etag } = asset
  const next = sets
    ? {
        read: await idsOf(client, read, was?.read),
        write: await idsOf(client, write, was?.write),
      }
    : null
  // What stays as it was seen must still be so.
  const ifMatch = sets && (read === undefined || write === undefined) ? record_etag : undefined
  show(await client.assets.update(asset.id, { acl: next }, { signal, ifMatch }), json)
}

function show({ key, acl: list }: AssetResponse, json: boolean): void {
  if (json) printJson({ key, acl: list })
  else if (list === null) print(`${visible(key)}: no list`)
  else {
    print(`read: ${list.read.join(' ') || 'nobody else'}`)
    print(`write: ${list.write.join(' ') || 'nobody else'}`)
  }
}

/** Of those that are named, of which an empty one is nobody; where none are, as it was. */
async function idsOf(
  client: Client,
  names: readonly string[] | undefined,
  was: readonly string[] = [],
): Promise<string[]> {
  if (names === undefined) return [...was]
  const ids: string[] = []
  for (const name of names) {
    if (name === '') continue
    ids.push(name === 'anonymous' ? name : await principalIdOf(client, name))
  }
  return ids
}
