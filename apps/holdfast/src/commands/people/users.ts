import type { Command } from 'commander'
import { allRows } from '../../connection/all-rows.ts'
import { connect } from '../../connection/connection.ts'
import { readPassword } from '../../connection/read-password.ts'
import { timeText } from '../../output/amounts.ts'
import { collect } from '../../output/collect.ts'
import { print, printJson } from '../../output/say.ts'
import { printTable } from '../../output/table.ts'
import { UsageError } from '../../output/usage-error.ts'
import { roleOf } from './roles.ts'
import { addUserActions } from './user-actions.ts'
import { userIdOf } from './user-id.ts'

interface ListOptions {
  readonly search?: string
  readonly role?: string
  readonly disabled?: boolean
}

interface CreateOptions {
  readonly role?: readonly string[]
  readonly email?: string
  readonly onBucket?: readonly string[]
}

interface SetOptions extends CreateOptions {
  readonly allBuckets?: boolean
}

export function addUsers(program: Command): void {
  const users = program
    .command('users')
    .summary('users: list, statistics, create, set, password, deactivate, unlock, remove')
    .description('People who may log in.')
  users
    .command('list', { isDefault: true })
    .description('List users.')
    .option('--search <text>', 'part of a name or an e-mail address')
    .option('-r, --role <role>', 'with this role')
    .option('--disabled', 'who may not log in, instead of everybody')
    .action(async (options: ListOptions, command: Command) => await list(options, command))
  users
    .command('statistics')
    .description('How many users there are of each kind, and how many are active.')
    .action(async (_: unknown, command: Command) => await statistics(command))
  users
    .command('create')
    .description(
      'Create a user. The first password comes from HOLDFAST_NEW_PASSWORD, a pipe or the ' +
        'terminal, and must be changed at the first login.',
    )
    .argument('<name>', 'user name')
    .option('-r, --role <role>', 'ADMIN, OPERATOR, USER, AUDITOR or READONLY; repeatable', collect)
    .option('--email <address>', 'e-mail address')
    .option('--on-bucket <name>', 'confine the user to this bucket; repeatable', collect)
    .action(async (name: string, options: CreateOptions, command: Command) => {
      await create(name, options, command)
    })
  users
    .command('show')
    .description('Show all that is known of a user.')
    .argument('<name>', 'user name or id')
    .action(async (name: string, _: unknown, command: Command) => {
      const { client, json, signal } = connect(command)
      const user = await client.users.get(await userIdOf(client, name), { signal })
      if (json) return printJson(user)
      printTable(Object.entries(user).map(([field, value]) => [field, shown(value)]))
    })
  users
    .command('set')
    .description(
      'Change the roles, the e-mail address or the buckets of a user. They count at once.',
    )
    .argument('<name>', 'user name or id')
    .option('-r, --role <role>', 'all roles from now on; repeatable', collect)
    .option('--email <address>', 'e-mail address; none takes it away')
    .option('--on-bucket <name>', 'confine the user to this bucket; repeatable', collect)
    .option('--all-buckets', 'confine the user no longer')
    .action(async (name: string, options: SetOptions, command: Command) => {
      await set(name, options, command)
    })
  users
    .command('password')
    .description(
      'Give a user another password, from HOLDFAST_NEW_PASSWORD, a pipe or the terminal. It ' +
        'must be changed at the next login. Ends all sessions.',
    )
    .argument('<name>', 'user name or id')
    .action(async (name: string, _: unknown, command: Command) => {
      const { client, json, signal } = connect(command)
      const id = await userIdOf(client, name)
      const password = await readPassword('HOLDFAST_NEW_PASSWORD', `next password of ${name}:`)
      await client.users.resetPassword(id, { password }, { signal })
      if (json) printJson({ id, must_change_password: true })
    })
  addUserActions(users)
  users
    .command('second-factor-off')
    .description('Take the second factor off somebody who lost it.')
    .argument('<name>', 'user name or id')
    .action(async (name: string, _: unknown, command: Command) => {
      const { client, json } = connect(command)
      const user = await client.users.removeSecondFactor(await userIdOf(client, name))
      if (json) printJson(user)
      else print(`${user.username}: ${user.status}`)
    })
}

function shown(value: unknown): string {
  if (value === null) return 'none'
  return Array.isArray(value) ? value.join(' ') : String(value)
}

async function statistics(command: Command): Promise<void> {
  const { client, json, signal } = connect(command)
  const counts = await client.users.statistics({ signal })
  if (json) return printJson(counts)
  const lines = Object.entries(counts).flatMap(([name, value]) => {
    if (typeof value !== 'object') return [[name, String(value)]]
    return Object.entries(value).map(([part, count]) => [`${name} ${part}`, String(count)])
  })
  printTable(lines.map(([name = '', count = '']) => [name.replaceAll('_', ' '), count]))
}

async function list({ search, role, disabled }: ListOptions, command: Command): Promise<void> {
  const { client, json, signal } = connect(command)
  const options = {
    ...(search === undefined ? {} : { search }),
    ...(role === undefined ? {} : { role: roleOf(role) }),
    ...(disabled === true ? { enabled: false } : {}),
  }
  const rows = await allRows(at => client.users.list({ ...options, ...at }, { signal }))
  if (json) {
    for (const user of rows) printJson(user)
    return
  }
  const lines = rows.map(user => [
    user.id,
    user.username,
    user.email ?? '',
    user.status,
    user.roles.join(' '),
    user.second_factor ? 'on' : 'off',
    user.last_login_at === null ? 'never' : timeText(user.last_login_at),
  ])
  printTable([['ID', 'NAME', 'E-MAIL', 'STATUS', 'ROLES', 'CODE', 'LAST LOGIN'], ...lines])
}

async function create(name: string, options: CreateOptions, command: Command): Promise<void> {
  const { client, json, signal } = connect(command)
  const password = await readPassword('HOLDFAST_NEW_PASSWORD', `first password of ${name}:`)
  const { email, onBucket, role } = options
  const user = await client.users.create(
    {
      username: name,
      password,
      ...(role === undefined ? {} : { roles: role.map(roleOf) }),
      ...(email === undefined ? {} : { email }),
      ...(onBucket === undefined ? {} : { buckets: [...onBucket] }),
    },
    { signal },
  )
  if (json) printJson(user)
  else print(user.id)
}

async function set(name: string, options: SetOptions, command: Command): Promise<void> {
  const { client, json, signal } = connect(command)
  const { role, email, onBucket, allBuckets } = options
  const changes = {
    ...(role === undefined ? {} : { roles: role.map(roleOf) }),
    ...(email === undefined ? {} : { email: email === 'none' ? null : email }),
    ...(onBucket === undefined ? {} : { buckets: [...onBucket] }),
    ...(allBuckets === true ? { buckets: null } : {}),
  }
  if (Object.keys(changes).length === 0) throw new UsageError('nothing to change was given')
  const user = await client.users.update(await userIdOf(client, name), changes, { signal })
  if (json) return printJson(user)
  const where = user.buckets === null ? '' : ` on ${user.buckets.join(' ')}`
  print(`${user.username}: ${user.roles.join(' ')}${where}`)
}
