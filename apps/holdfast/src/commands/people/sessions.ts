import type { Client } from '@holdfast/client'
import type { Command } from 'commander'
import { connect } from '../../connection/connection.ts'
import { countText, timeText } from '../../output/amounts.ts'
import { print, printJson } from '../../output/say.ts'
import { printTable } from '../../output/table.ts'
import { userIdOf } from './user-id.ts'

interface SessionsOptions {
  readonly user?: string
  readonly keepCurrent?: boolean
}

const USER = ['--user <name>', 'of this user instead of your own; for administrators'] as const

export function addSessions(program: Command): void {
  const sessions = program
    .command('sessions')
    .summary('sessions: list and end logins')
    .description('Where somebody is logged in.')
  sessions
    .command('list', { isDefault: true })
    .description('List sessions, newest first.')
    .option(...USER)
    .action(async (options: SessionsOptions, command: Command) => {
      const { client, json, signal } = connect(command)
      const of = await ownerOf(client, options)
      const { items } = await client.sessions.list({ ...of, signal })
      if (json) {
        for (const item of items) printJson(item)
        return
      }
      const lines = items.map(one => [
        one.current ? `${one.id} *` : one.id,
        one.last_ip,
        timeText(one.created_at),
        timeText(one.last_used_at),
        one.last_agent.slice(0, 40),
      ])
      printTable([['ID', 'ADDRESS', 'LOGIN', 'LAST USED', 'AGENT'], ...lines])
    })
  sessions
    .command('end')
    .description('End one session: its tokens are refused from now on.')
    .argument('<id>', 'id of the session')
    .option(...USER)
    .action(async (id: string, options: SessionsOptions, command: Command) => {
      const { client, json, signal } = connect(command)
      await client.sessions.end(id, { ...(await ownerOf(client, options)), signal })
      if (json) printJson({ id, ended: true })
    })
  sessions
    .command('end-all')
    .description('End all sessions.')
    .option(...USER)
    .option('--keep-current', 'but for the one of this token')
    .action(async (options: SessionsOptions, command: Command) => {
      const { client, json, signal } = connect(command)
      const of = await ownerOf(client, options)
      const keep = options.keepCurrent === true ? { keepCurrent: true } : {}
      const result = await client.sessions.endAll({ ...of, ...keep, signal })
      if (json) printJson(result)
      else print(`${countText(result.ended, 'session')} ended`)
    })
}

async function ownerOf(client: Client, { user }: SessionsOptions): Promise<{ userId?: string }> {
  return user === undefined ? {} : { userId: await userIdOf(client, user) }
}
