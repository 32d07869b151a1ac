import type { Client } from '@holdfast/client'
import { type Command, InvalidArgumentError } from 'commander'
import { type Connection, connect } from '../../connection/connection.ts'
import { parseSize, sizeText } from '../../output/amounts.ts'
import { printJson } from '../../output/say.ts'
import { printTable } from '../../output/table.ts'
import { UsageError } from '../../output/usage-error.ts'
import { principalIdOf } from '../people/user-id.ts'

type Quota = Awaited<ReturnType<Client['quotas']['get']>>
type Ceiling = number | 'none'

interface CeilingOptions {
  readonly bytes?: Ceiling
  readonly assets?: Ceiling
}

interface Place {
  readonly ofBucket?: string
  readonly ofOwner?: string
  readonly ofService?: string
}

export function addQuotas(program: Command): void {
  const quotas = program
    .command('quotas')
    .summary('ceilings on what is stored: list, show, set, remove')
    .description('How much a bucket, an owner or a service may store.')
  quotas
    .command('list', { isDefault: true })
    .description('List quotas and what is used of them.')
    .action(async (_: unknown, command: Command) => {
      const { client, json, signal } = connect(command)
      const { items } = await client.quotas.list({ signal })
      show(items, json)
    })
  of(quotas.command('show').description('What is used, also where nothing is limited.')).action(
    async (options: Place, command: Command) => {
      const connection = connect(command)
      const { client, json, signal } = connection
      show([await client.quotas.get(await refOf(connection, options), { signal })], json)
    },
  )
  of(quotas.command('set').description('Set both ceilings; one that is not named does not limit.'))
    .option('--bytes <size>', 'such as 10GiB, or none', parseBytes)
    .option('--assets <count>', 'how many assets, or none', parseCount)
    .action(async (options: Place & CeilingOptions, command: Command) => {
      const { bytes, assets } = options
      if (bytes === undefined && assets === undefined) throw new UsageError('name a ceiling')
      const connection = connect(command)
      const { client, json, signal } = connection
      const ceilings = { bytes_max: limitOf(bytes), assets_max: limitOf(assets) }
      show([await client.quotas.set(await refOf(connection, options), ceilings, { signal })], json)
    })
  of(quotas.command('remove').description('Lift a quota.')).action(
    async (options: Place, command: Command) => {
      const connection = connect(command)
      const { client, json, signal } = connection
      const ref = await refOf(connection, options)
      await client.quotas.remove(ref, { signal })
      if (json) printJson({ ...ref, removed: true })
    },
  )
}

function of(command: Command): Command {
  return command
    .option('--of-bucket <name>', 'of a bucket')
    .option('--of-owner <name>', 'of a user, by name, or of whoever has this id')
    .option('--of-service <name>', 'of a service')
}

async function refOf({ client }: Connection, { ofBucket, ofOwner, ofService }: Place) {
  const given = [ofBucket, ofOwner, ofService].filter(name => name !== undefined)
  if (given.length !== 1) throw new UsageError('name one of --of-bucket, --of-owner, --of-service')
  if (ofBucket !== undefined) return { scope: 'bucket', name: ofBucket } as const
  if (ofService !== undefined) return { scope: 'service', name: ofService } as const
  return { scope: 'owner', name: await principalIdOf(client, ofOwner ?? '') } as const
}

function show(quotas: readonly Quota[], json: boolean): void {
  if (json) {
    for (const quota of quotas) printJson(quota)
    return
  }
  const rows = quotas.map(({ scope, name, usage, bytes_max: bytes, assets_max: assets }) => [
    scope,
    name,
    `${sizeText(usage.bytes)} of ${bytes === null ? 'any' : sizeText(bytes)}`,
    `${usage.assets} of ${assets ?? 'any'}`,
  ])
  printTable([['OF', 'NAME', 'SIZE', 'ASSETS'], ...rows])
}

function limitOf(ceiling: Ceiling | undefined): number | null {
  return ceiling === undefined || ceiling === 'none' ? null : ceiling
}

function parseBytes(text: string): Ceiling {
  if (text === 'none') return text
  const bytes = parseSize(text)
  if (bytes === undefined) throw new InvalidArgumentError('It must look like 10GiB, or be none.')
  return bytes
}

function parseCount(text: string): Ceiling {
  if (text === 'none') return text
  if (!/^\d{1,12}$/.test(text)) throw new InvalidArgumentError('It must be a number, or none.')
  return Number(text)
}
