import { isClientError } from '@holdfast/client'
import type { Command } from 'commander'
import { connect } from '../../connection/connection.ts'
import { readCode } from '../../connection/prove-again.ts'
import { readPassword } from '../../connection/read-password.ts'
import { printJson, say } from '../../output/say.ts'

/** Own password, with what proves that it may be changed. */
export function addPassword(program: Command): void {
  const password = program
    .command('password')
    .summary('password: change, forgot, reset')
    .description('Change the own password, or replace one that was forgotten, by e-mail.')
  password
    .command('change')
    .description(
      'Change the own password, also one that must be changed before the first login. Ends all ' +
        'sessions. It comes from HOLDFAST_PASSWORD, the next one from HOLDFAST_NEW_PASSWORD, the ' +
        'code of a second factor from HOLDFAST_CODE, a pipe or the terminal.',
    )
    .argument('<name>', 'user name or e-mail address')
    .action(async (username: string, _: unknown, command: Command) => {
      await change(username, command)
    })
  password
    .command('forgot')
    .description('Ask for a mail with a code for a new password.')
    .argument('<name>', 'user name or e-mail address')
    .action(async (name: string, _: unknown, command: Command) => {
      const { client, json, signal } = connect(command)
      await client.auth.forgotPassword(name, { signal })
      if (json) printJson({ requested: true })
      else say('if there is such an account with an address, a mail is on its way')
    })
  password
    .command('reset')
    .description(
      'Choose a new password with the code of the mail. The code comes from ' +
        'HOLDFAST_RESET_TOKEN, the password from HOLDFAST_NEW_PASSWORD, a pipe or the terminal.',
    )
    .action(async (_: unknown, command: Command) => {
      const { client, json, signal } = connect(command)
      const token = await readPassword('HOLDFAST_RESET_TOKEN', 'code of the mail:')
      const chosen = await readPassword('HOLDFAST_NEW_PASSWORD', 'new password:')
      await client.auth.resetPassword({ token, new_password: chosen }, { signal })
      if (json) printJson({ changed: true })
      else say('changed; all sessions have ended')
    })
}

async function change(username: string, command: Command): Promise<void> {
  const { client, json, signal } = connect(command)
  const password = await readPassword('HOLDFAST_PASSWORD', `password of ${username}:`)
  const chosen = await readPassword('HOLDFAST_NEW_PASSWORD', 'new password:')
  const proof = { username, password, new_password: chosen }
  try {
    await client.auth.changePassword(proof, { signal })
  } catch (error) {
    if (!isClientError(error) || error.code !== 'SECOND_FACTOR_REQUIRED') throw error
    await client.auth.changePassword({ ...proof, code: await readCode() }, { signal })
  }
  if (json) printJson({ changed: true })
  else say('changed; all sessions have ended')
}
