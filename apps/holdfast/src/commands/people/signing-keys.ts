import type { Command } from 'commander'
import { connect } from '../../connection/connection.ts'
import { timeText } from '../../output/amounts.ts'
import { printJson } from '../../output/say.ts'
import { printTable } from '../../output/table.ts'

export function addSigningKeys(program: Command): void {
  const keys = program
    .command('signing-keys')
    .summary('keys that sign tokens: list, rotate')
    .description('The keys that sign the tokens of logins.')
  keys
    .command('list', { isDefault: true })
    .description('List them, newest first.')
    .action(async (_: unknown, command: Command) => {
      const { client, json, signal } = connect(command)
      const { items } = await client.auth.signingKeys({ signal })
      tell(items, json)
    })
  keys
    .command('rotate')
    .description('Sign with a new key from now on. Tokens of the one before stay good.')
    .option('--distrust-former', 'after a leak: no token of before is good, every session ends')
    .action(async (options: { distrustFormer?: boolean }, command: Command) => {
      const { client, json, signal } = connect(command)
      const rotation = options.distrustFormer === true ? { distrust_former: true } : {}
      const { items } = await client.auth.rotateSigningKey(rotation, { signal })
      tell(items, json)
    })
}

interface Shown {
  readonly kid: string
  readonly state: string
  readonly created_at: string
  readonly verifies_until: string
}

function tell(items: readonly Shown[], json: boolean): void {
  if (json) {
    for (const item of items) printJson(item)
    return
  }
  const rows = items.map(one => [
    one.kid,
    one.state,
    timeText(one.created_at),
    timeText(one.verifies_until),
  ])
  printTable([['KEY', 'STATE', 'MADE', 'TAKEN UNTIL'], ...rows])
}
