import type { Command } from 'commander'
import { connect } from '../../connection/connection.ts'
import { readPassword } from '../../connection/read-password.ts'
import { printJson, say } from '../../output/say.ts'

/** Own password, with what proves that it may be changed. */
export function addPassword(program: Command): void {
  const password = program
    .command('password')
    .summary('password: forgot, reset')
    .description('Replace a password that was forgotten, by e-mail.')
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
