import type { Client } from '@holdfast/client'
import type { Command } from 'commander'
import { type Connection, connect } from '../../connection/connection.ts'
import { print, printJson, say } from '../../output/say.ts'
import { visible } from '../../output/visible.ts'
import { userIdOf } from './user-id.ts'

type Action = Parameters<Client['users']['actOn']>[0]

const actions: readonly { name: string; action: Action; description: string }[] = [
  { name: 'activate', action: 'activate', description: 'Let users in again.' },
  { name: 'deactivate', action: 'deactivate', description: 'Shut users out at once.' },
  { name: 'unlock', action: 'unlock', description: 'End locks before their time.' },
  {
    name: 'expire-password',
    action: 'require_password_change',
    description: 'End the sessions of users, who must choose another password to come in again.',
  },
  { name: 'end-sessions', action: 'end_sessions', description: 'End all sessions of users.' },
  { name: 'remove', action: 'delete', description: 'Delete users; what they own stays.' },
]

/** What is done to as many users as are named, each for itself. */
export function addUserActions(users: Command): void {
  for (const { name, action, description } of actions) {
    users
      .command(name)
      .description(description)
      .argument('<name...>', 'user names or ids')
      .action(async (names: string[], _: unknown, command: Command) => {
        await act(connect(command), action, names)
      })
  }
}

const BATCH = 100

/** What is printed where no user is left to print, as other commands print it of one. */
const WITHOUT_USER: { readonly [Name in Action]?: object } = {
  delete: { removed: true },
  end_sessions: { sessions_ended: true },
}

async function act(
  { client, json, signal }: Connection,
  action: Action,
  names: readonly string[],
): Promise<void> {
  // A name that nobody has is told before anything is done.
  const named = new Map<string, string>()
  for (const name of names) named.set(await userIdOf(client, name), name)
  const ids = [...named.keys()]
  for (let first = 0; first < ids.length; first += BATCH) {
    const batch = ids.slice(first, first + BATCH)
    const { results } = await client.users.actOn(action, batch, { signal })
    for (const result of results) {
      const { id, user, error } = result
      const name = visible(user?.username ?? named.get(id) ?? id)
      if (error !== undefined) process.exitCode = 1
      if (json)
        printJson(error === undefined ? (user ?? { id, ...WITHOUT_USER[action] }) : { id, error })
      else if (error !== undefined) say(`${name}: ${error.message} (${error.code})`)
      else print(`${name}: ${user?.status ?? 'done'}`)
    }
  }
}
