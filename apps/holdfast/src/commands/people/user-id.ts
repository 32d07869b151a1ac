import type { Client } from '@holdfast/client'
import { UsageError } from '../../output/usage-error.ts'

/** Ids are taken as they are; a name must be the whole name of one user. */
export async function userIdOf(client: Client, name: string): Promise<string> {
  if (/^[0-9a-f-]{36}$/i.test(name)) return name
  const { items } = await client.users.list({ search: name, limit: 1000 })
  const found = items.find(({ username }) => username.toLowerCase() === name.toLowerCase())
  if (found === undefined) throw new UsageError(`there is no user ${name}`)
  return found.id
}
