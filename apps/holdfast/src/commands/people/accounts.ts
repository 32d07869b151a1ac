import type { Client } from '@holdfast/client'
import { type Command, InvalidArgumentError } from 'commander'
import { allRows } from '../../connection/all-rows.ts'
import { type Connection, connect } from '../../connection/connection.ts'
import { onlyHolder } from '../../connection/only-one.ts'
import { readPassword } from '../../connection/read-password.ts'
import { parseSeconds, timeText } from '../../output/amounts.ts'
import { collect } from '../../output/collect.ts'
import { print, printJson, say } from '../../output/say.ts'
import { printTable } from '../../output/table.ts'
import { roleOf } from './roles.ts'

type Account = Awaited<ReturnType<Client['accounts']['get']>>

interface CreateOptions {
  readonly role?: readonly string[]
  readonly permission?: readonly string[]
  readonly onBucket?: readonly string[]
  readonly environment?: string
  readonly description?: string
  readonly secretDays?: number
  readonly rateLimit?: number
}

export function addAccounts(program: Command): void {
  const accounts = program
    .command('accounts')
    .summary('accounts: programs with secrets of their own')
    .description('Service accounts: programs that act for themselves.')
  accounts
    .command('list', { isDefault: true })
    .description('List service accounts.')
    .action(async (_: unknown, command: Command) => await list(command))
  accounts
    .command('create')
    .description('Create a service account and print its client id and secret, this once.')
    .argument('<name>', 'a-z, 0-9 and -')
    .option('-r, --role <role>', 'ADMIN, OPERATOR, USER, AUDITOR or READONLY; repeatable', collect)
    .option('-p, --permission <scope>', 'such as assets:read; repeatable', collect)
    .option('--on-bucket <name>', 'confine it to this bucket; repeatable', collect)
    .option('--environment <name>', 'stands in the client id')
    .option('--description <text>', 'what it is for')
    .option('--secret-days <days>', 'how long the secret is good for, 1 to 365', parseDays)
    .option('--rate-limit <count>', 'requests a minute; 0 for no limit', parseRateLimit)
    .action(async (name: string, options: CreateOptions, command: Command) => {
      await create(name, options, command)
    })
  for (const status of ['SUSPENDED', 'ACTIVE'] as const) addStatus(accounts, status)
  addLimit(accounts)
  addSecrets(accounts)
  accounts
    .command('remove')
    .description('Delete a service account; what it owns stays.')
    .argument('<name>', 'name, client id or id')
    .action(async (name: string, _: unknown, command: Command) => {
      const connection = connect(command)
      const { client, json, signal } = connection
      const { id } = await findAccount(connection, name)
      await client.accounts.remove(id, { signal })
      if (json) printJson({ id, removed: true })
    })
  accounts
    .command('token')
    .description(
      'Trade a secret for an access token and print it. The secret comes from ' +
        'HOLDFAST_CLIENT_SECRET, a pipe or the terminal.',
    )
    .argument('<client-id>', 'client id')
    .option('--scope <scopes>', 'only these permissions, separated by spaces')
    .action(async (clientId: string, options: { scope?: string }, command: Command) => {
      const { client, json, signal } = connect(command)
      const secret = await readPassword('HOLDFAST_CLIENT_SECRET', `secret of ${clientId}:`)
      const token = await client.accounts.token({ clientId, secret, ...options }, { signal })
      if (json) printJson(token)
      else print(token.access_token)
    })
}

function addStatus(accounts: Command, status: 'SUSPENDED' | 'ACTIVE'): void {
  const isOut = status === 'SUSPENDED'
  accounts
    .command(isOut ? 'suspend' : 'activate')
    .description(isOut ? 'Shut a service account out at once.' : 'Let it in again.')
    .argument('<name>', 'name, client id or id')
    .action(async (name: string, _: unknown, command: Command) => {
      const connection = connect(command)
      const { client, json, signal } = connection
      const { id } = await findAccount(connection, name)
      const account = await client.accounts.update(id, { status }, { signal })
      if (json) printJson(account)
      else print(`${account.client_id}: ${account.status}`)
    })
}

function addLimit(accounts: Command): void {
  accounts
    .command('limit')
    .description('Set how many requests a minute a service account may make.')
    .argument('<name>', 'name, client id or id')
    .argument('<count>', 'count, 0 for no limit, or default', (text: string) => {
      return text === 'default' ? null : parseRateLimit(text)
    })
    .action(async (name: string, count: number | null, _: unknown, command: Command) => {
      const connection = connect(command)
      const { client, json, signal } = connection
      const { id } = await findAccount(connection, name)
      const account = await client.accounts.update(id, { rate_limit: count }, { signal })
      if (json) printJson(account)
      else print(`${account.client_id}: ${limitText(account)}`)
    })
}

function limitText({ rate_limit: limit }: Account): string {
  if (limit === null) return 'default'
  return limit === 0 ? 'none' : `${limit}/min`
}

function addSecrets(accounts: Command): void {
  accounts
    .command('rotate')
    .description('Make the next secret and print it, this once.')
    .argument('<name>', 'name, client id or id')
    .option('--overlap <time>', 'how long the ones before are still good, to 30d', parseOverlap)
    .option('--secret-days <days>', 'how long the new one is good for, 1 to 365', parseDays)
    .action(
      async (
        name: string,
        options: { overlap?: number; secretDays?: number },
        command: Command,
      ) => {
        const connection = connect(command)
        const { client, json, signal } = connection
        const { id } = await findAccount(connection, name)
        const { overlap, secretDays: secret_days } = options
        const wanted = {
          ...(overlap === undefined ? {} : { overlap }),
          ...(secret_days === undefined ? {} : { secret_days }),
        }
        const account = await client.accounts.rotateSecret(id, wanted, { signal })
        if (json) printJson(account)
        else print(account.client_secret)
      },
    )
  accounts
    .command('end-secret')
    .description('End a secret, and all tokens that were issued for it.')
    .argument('<name>', 'name, client id or id')
    .argument('<secret-id>', 'id of the secret, as accounts list --json shows it')
    .action(async (name: string, secretId: string, _: unknown, command: Command) => {
      const connection = connect(command)
      const { client, json, signal } = connection
      const { id } = await findAccount(connection, name)
      await client.accounts.removeSecret(id, secretId, { signal })
      if (json) printJson({ id, secret_id: secretId, ended: true })
    })
}

async function allAccounts({ client, signal }: Connection): Promise<Account[]> {
  return await allRows(at => client.accounts.list(at, { signal }))
}

async function findAccount(connection: Connection, name: string): Promise<Account> {
  const found = (await allAccounts(connection)).filter(account => {
    return [account.id, account.client_id, account.name].includes(name)
  })
  const tell = (account: Account) => `${account.client_id} with id ${account.id}`
  return onlyHolder(found, { name, what: 'service account', tell })
}

async function list(command: Command): Promise<void> {
  const connection = connect(command)
  const rows = await allAccounts(connection)
  if (connection.json) {
    for (const row of rows) printJson(row)
    return
  }
  const lines = rows.map(row => [
    row.client_id,
    row.status,
    [...row.roles, ...row.permissions].join(' '),
    limitText(row),
    row.secrets.map(({ prefix, expires_at }) => `${prefix}… ${timeText(expires_at)}`).join(', '),
  ])
  printTable([['CLIENT ID', 'STATUS', 'MAY', 'LIMIT', 'SECRETS UNTIL'], ...lines])
}

async function create(name: string, options: CreateOptions, command: Command): Promise<void> {
  const { client, json, signal } = connect(command)
  const { role, permission, onBucket, environment, description, secretDays, rateLimit } = options
  const account = await client.accounts.create(
    {
      name,
      ...(role === undefined ? {} : { roles: role.map(roleOf) }),
      ...(permission === undefined ? {} : { permissions: [...permission] }),
      ...(onBucket === undefined ? {} : { buckets: [...onBucket] }),
      ...(environment === undefined ? {} : { environment }),
      ...(description === undefined ? {} : { description }),
      ...(secretDays === undefined ? {} : { secret_days: secretDays }),
      ...(rateLimit === undefined ? {} : { rate_limit: rateLimit }),
    },
    { signal },
  )
  if (json) return printJson(account)
  say(`client id and secret; the secret is not shown again:`)
  print(account.client_id)
  print(account.client_secret)
}

function parseRateLimit(text: string): number {
  const count = /^\d{1,7}$/.test(text) ? Number(text) : -1
  if (count < 0 || count > 1_000_000) throw new InvalidArgumentError('It must be to 1000000.')
  return count
}

function parseDays(text: string): number {
  const days = /^\d{1,3}$/.test(text) ? Number(text) : 0
  if (days < 1 || days > 365) throw new InvalidArgumentError('It must be from 1 to 365.')
  return days
}

function parseOverlap(text: string): number {
  const seconds = parseSeconds(text)
  if (seconds === undefined || seconds > 30 * 86_400) {
    throw new InvalidArgumentError('It must be from 0 to 30d.')
  }
  return seconds
}
