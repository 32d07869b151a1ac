import { type Permission, permissions } from '@holdfast/core/principal.ts'
import type { Command } from 'commander'
import { connect } from '../../connection/connection.ts'
import { print, printJson } from '../../output/say.ts'
import { UsageError } from '../../output/usage-error.ts'
import { visible } from '../../output/visible.ts'
import { principalIdOf } from '../people/user-id.ts'

interface ExplainOptions {
  readonly for?: string
  readonly everywhere?: boolean
}

/** The decision that every door takes, for a person who wonders. */
export function addExplain(program: Command): void {
  program
    .command('explain')
    .description(
      'Tell who may do something with a bucket or an asset, and why. Ends with 1 for no.',
    )
    .argument('<permission>', 'such as assets:read')
    .argument('[key]', 'of an asset in the bucket, there or to be; without it, the bucket itself')
    .option('--for <name>', 'user, or id of an account or key, or anonymous; for administrators')
    .option('--everywhere', 'asks about no bucket: what a role gives')
    .action(
      async (word: string, key: string | undefined, options: ExplainOptions, command: Command) => {
        const permission = permissions.find(one => one === word)
        if (permission === undefined) {
          throw new UsageError(`${word} is no permission: ${permissions.join(', ')}`)
        }
        await explain({ permission, key }, options, command)
      },
    )
}

async function explain(
  { permission, key }: { readonly permission: Permission; readonly key: string | undefined },
  options: ExplainOptions,
  command: Command,
): Promise<void> {
  const { client, bucket, json, signal } = connect(command)
  const who = options.for
  if (options.everywhere === true && key !== undefined) throw new UsageError('a key has a bucket')
  const place = options.everywhere === true ? {} : { bucket }
  const id = who === undefined || who === 'anonymous' ? who : await principalIdOf(client, who)
  const question = {
    permission,
    ...place,
    ...(key === undefined ? {} : { key }),
    ...(id === undefined ? {} : { principal_id: id }),
  }
  const answer = await client.access.explain(question, { signal })
  if (!answer.allowed) process.exitCode = 1
  if (json) printJson(answer)
  else {
    const may = answer.allowed ? 'may' : 'may not'
    print(`${visible(answer.principal_name)} ${may}: ${visible(answer.reason)}`)
  }
}
