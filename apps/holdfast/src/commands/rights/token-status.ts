import type { Command } from 'commander'
import { connect } from '../../connection/connection.ts'
import { readPassword } from '../../connection/read-password.ts'
import { print, printJson } from '../../output/say.ts'
import { printTable } from '../../output/table.ts'

/** What there is to log in with, and whether what somebody got is good. */
export function addTokenStatus(program: Command): void {
  program
    .command('ways')
    .description('Tell which ways to log in the server has; needs no key.')
    .action(async (_: unknown, command: Command) => {
      const { client, json, signal } = connect(command)
      const ways = await client.auth.ways({ signal })
      if (json) return printJson(ways)
      const onOff = (is: boolean) => (is ? 'on' : 'off')
      printTable([
        ['password', onOff(ways.password)],
        ['directory', onOff(ways.directory)],
        ['OpenID', ways.openid === null ? 'off' : ways.openid.label],
        ['reset by mail', onOff(ways.password_reset)],
        ['second factor for', ways.second_factor_for],
      ])
    })
  program
    .command('validate')
    .description(
      'Tell whether a token is good now: your own, and for administrators of users any. It comes ' +
        'from HOLDFAST_TOKEN, a pipe or the terminal. Ends with 1 when it is not.',
    )
    .action(async (_: unknown, command: Command) => {
      const { client, json, signal } = connect(command)
      const token = await readPassword('HOLDFAST_TOKEN', 'token:')
      const status = await client.auth.validate(token, { signal })
      if (!status.active) process.exitCode = 1
      if (json) return printJson(status)
      if (!status.active) return print('not good')
      const { exp, ...facts } = status
      const until = exp === undefined ? {} : { until: new Date(exp * 1000).toISOString() }
      const rows = Object.entries({ ...facts, ...until })
      printTable(rows.map(([name, value]) => [name, String(value)]))
    })
}
