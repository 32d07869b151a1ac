import type { Client } from '@holdfast/client'
import { UsageError } from '../../output/usage-error.ts'

/**
 * Ids are taken as they are; a name must be the whole name of one user. People of a provider or an
 * issuer are called what they say there, so that two may have one name: then an id is asked for.
 */
export async function userIdOf(client: Client, name: string): Promise<string> {
  if (/^[0-9a-f-]{36}$/i.test(name)) return name
  const { items, total } = await client.users.list({ search: name, limit: 1000 })
  const found = items.filter(({ username }) => username.toLowerCase() === name.toLowerCase())
  const [one, another] = found
  if (another !== undefined || total > items.length) {
    const ids = found.map(({ id, source }) => `${id} (${source})`).join(', ')
    throw new UsageError(`more than one user may be called ${name}, name its id: ${ids}`)
  }
  if (one === undefined) throw new UsageError(`there is no user ${name}`)
  return one.id
}
