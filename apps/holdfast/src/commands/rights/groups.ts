import type { Client } from '@holdfast/client'
import type { Command } from 'commander'
import { connect } from '../../connection/connection.ts'
import { onlyHolder } from '../../connection/only-one.ts'
import { collect } from '../../output/collect.ts'
import { print, printJson } from '../../output/say.ts'
import { printTable } from '../../output/table.ts'
import { UsageError } from '../../output/usage-error.ts'
import { visible } from '../../output/visible.ts'
import { userIdOf } from '../people/user-id.ts'

type Group = Awaited<ReturnType<Client['groups']['get']>>

interface GroupOptions {
  readonly description?: string
  readonly member?: readonly string[]
}

interface ChangeOptions {
  readonly name?: string
  readonly description?: string
  readonly add?: readonly string[]
  readonly drop?: readonly string[]
}

export function addGroups(program: Command): void {
  const groups = program
    .command('groups')
    .summary('groups of users: list, create, set, remove')
    .description('Groups of users, which grants and access lists may name.')
  groups
    .command('list', { isDefault: true })
    .description('List groups.')
    .action(async (_: unknown, command: Command) => await list(command))
  groups
    .command('create')
    .description('Make a group.')
    .argument('<name>')
    .option('--member <user>', 'name or id of a user; repeatable', collect)
    .option('--description <text>', 'what it is for')
    .action(async (name: string, options: GroupOptions, command: Command) => {
      const { client, json, signal } = connect(command)
      const members = await idsOf(client, options.member)
      const { description } = options
      const about = description === undefined ? {} : { description }
      const group = await client.groups.create({ name, members, ...about }, { signal })
      if (json) printJson(group)
      else print(group.id)
    })
  groups
    .command('set')
    .description('Change a group. What its members may counts at once.')
    .argument('<name>', 'name or id')
    .option('--add <user>', 'a user who comes in; repeatable', collect)
    .option('--drop <user>', 'a user who goes; repeatable', collect)
    .option('--name <name>', 'its next name')
    .option('--description <text>', 'what it is for')
    .action(async (name: string, options: ChangeOptions, command: Command) => {
      await set(name, options, command)
    })
  groups
    .command('remove')
    .description('Remove a group, and what was granted to it.')
    .argument('<name>', 'name or id')
    .action(async (name: string, _: unknown, command: Command) => {
      const { client, json, signal } = connect(command)
      const { id } = await groupOf(client, name)
      await client.groups.remove(id, { signal })
      if (json) printJson({ id, removed: true })
    })
}

async function list(command: Command): Promise<void> {
  const { client, json, signal } = connect(command)
  const { items } = await client.groups.list({ signal })
  if (json) {
    for (const group of items) printJson(group)
    return
  }
  const rows = items.map(({ id, name, members, description }) => {
    return [id, name, String(members.length), description]
  })
  printTable([['ID', 'NAME', 'MEMBERS', 'FOR'], ...rows])
}

async function set(name: string, options: ChangeOptions, command: Command): Promise<void> {
  const { add, drop, name: next, description } = options
  if (Object.keys(options).length === 0) throw new UsageError('nothing to change was given')
  const { client, json, signal } = connect(command)
  const { id } = await groupOf(client, name)
  const changes = {
    ...(add === undefined ? {} : { add_members: await idsOf(client, add) }),
    ...(drop === undefined ? {} : { remove_members: await idsOf(client, drop) }),
    ...(next === undefined ? {} : { name: next }),
    ...(description === undefined ? {} : { description }),
  }
  const group = await client.groups.update(id, changes, { signal })
  if (json) printJson(group)
  else print(`${visible(group.name)}: ${group.members.length} members`)
}

async function idsOf(client: Client, names: readonly string[] = []): Promise<string[]> {
  const ids: string[] = []
  for (const name of names) ids.push(await userIdOf(client, name))
  return ids
}

/** Of the one group that has this name or id. */
export async function groupOf(client: Client, name: string): Promise<Group> {
  return onlyHolder(await groupsCalled(client, name), { name, what: 'group', tell: tellGroup })
}

export async function groupsCalled(client: Client, name: string): Promise<Group[]> {
  const { items } = await client.groups.list()
  return items.filter(group => group.name === name || group.id === name.toLowerCase())
}

export function tellGroup({ id, name }: Group): string {
  return `the group ${name} with id ${id}`
}
