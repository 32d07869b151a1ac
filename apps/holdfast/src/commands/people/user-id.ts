import { type Client, isClientError } from '@holdfast/client'
import { isUuid } from '@holdfast/core/ids.ts'
import { onlyHolder } from '../../connection/only-one.ts'
import { UsageError } from '../../output/usage-error.ts'

type User = Awaited<ReturnType<Client['users']['get']>>

/**
 * Of the one user who has this whole name, or this id. People of a provider or an issuer are called
 * what they say there, so that two may have one name, and one may be called what is another's id:
 * then nobody is meant.
 */
export async function userIdOf(client: Client, name: string): Promise<string> {
  return onlyUser(name, await usersCalled(client, name)).id
}

/**
 * The same, or an id of anybody: groups, service accounts and keys go by theirs alone. An id is
 * that id, whoever chose it as a name, and takes no right to list users.
 */
export async function principalIdOf(client: Client, name: string): Promise<string> {
  if (isUuid(name)) return name
  try {
    return await userIdOf(client, name)
  } catch (error) {
    if (!isClientError(error) || error.code !== 'FORBIDDEN') throw error
    throw new UsageError(`to name ${name} by name takes admin:users`)
  }
}

function onlyUser(name: string, users: readonly User[]): User {
  const tell = ({ id, username, source }: User) => `${username} with id ${id} (${source})`
  return onlyHolder(users, { name, what: 'user', tell })
}

export async function usersCalled(client: Client, name: string): Promise<User[]> {
  const byId = isUuid(name) ? await userWithId(client, name) : undefined
  const { items, total } = await client.users.list({ search: name, limit: 1000 })
  if (total > items.length) {
    throw new UsageError(`too many users are called like ${name} to tell them apart: name an id`)
  }
  const named = items.filter(({ username }) => username.toLowerCase() === name.toLowerCase())
  return byId === undefined ? named : [byId, ...named]
}

async function userWithId(client: Client, id: string): Promise<User | undefined> {
  try {
    return await client.users.get(id)
  } catch (error) {
    if (isClientError(error) && error.code === 'USER_NOT_FOUND') return undefined
    throw error
  }
}
